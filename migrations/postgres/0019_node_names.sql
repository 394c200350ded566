-- Why: people know a node by the name of its machine, whatever process it is now, and have to be told when it was
-- last seen; hence the row of a process outlives it. Several nodes need one store of snapshots: the id they compare
-- with the mark in its folder stands here once the first of them has put it there.

alter table node add column name text collate "C" not null default '';
alter table node add column ended bigint not null default 0;

create table snapshot_store (
  only_one bigint not null primary key check (only_one = 1),
  id text collate "C" not null
);
