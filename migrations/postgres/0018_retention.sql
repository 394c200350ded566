-- Why: nothing personal and nothing heavy is kept longer than it is needed. A letter loses its body and keeps its
-- envelope; the bytes of a snapshot go and its row stays, so that every number still leads to its file and place;
-- a refused row goes only some time after the administrator was told (`announced_at`). `held_at` says when numbers
-- were last found to stand on an old snapshot, so that nobody looks for them every day.

alter table outbox add column body_removed bigint not null default 0;
alter table snapshot add column removed_at text collate "C";
alter table snapshot add column held_at text collate "C";
alter table quarantine add column announced_at text collate "C";

-- Only what is past its time is looked for, and only once a day; letters that are done only grow.
create index outbox_finished on outbox (finished_at) where finished_at is not null;
create index quarantine_created on quarantine (created_at);
create index snapshot_removed on snapshot (removed_at) where removed_at is not null;
