-- Why: what a file meant when it was loaded depends on the manifest, the list of subjects and the scales of that day.
-- Each text that a load was made with is kept once, by its hash, and each load names its texts.

create table reference (
  hash text not null primary key,
  kind text not null check (kind in ('connector', 'subjects', 'scales')),
  name text not null,
  content text not null,
  first_used_at text not null
) strict;

create table run_reference (
  run integer not null references run (id),
  reference text not null references reference (hash),
  primary key (run, reference)
) strict;
