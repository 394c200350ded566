-- Why: what a file meant when it was loaded depends on the manifest, the list of subjects and the scales of that day.
-- Each text that a load was made with is kept once, by its hash, and each load names its texts.

create table reference (
  hash text collate "C" not null primary key,
  kind text collate "C" not null check (kind in ('connector', 'subjects', 'scales')),
  name text collate "C" not null,
  content text collate "C" not null,
  first_used_at text collate "C" not null
);

create table run_reference (
  run bigint not null references run (id),
  reference text collate "C" not null references reference (hash),
  primary key (run, reference)
);
