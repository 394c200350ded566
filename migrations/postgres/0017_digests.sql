-- Why: a value that changed on the disk, or by a hand, must be noticed. A run keeps the sum of the hashes of the rows
-- it added, whatever their order; `db verify --full` computes it again. Runs of earlier versions have none.

alter table run add column digest text collate "C";
