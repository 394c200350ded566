-- Why: each number leads back to the bytes it was read from and to the load that brought it.
-- A row of `snapshot` is one delivery of a file; equal bytes share the file on disk by their hash.
-- The state of a run decides what readers see: rows of a run in state `loading` do not exist for them.

create table snapshot (
  id integer not null primary key,
  hash text not null,
  source text not null,
  connector text not null,
  file text not null,
  address text,
  original_hash text,
  folded integer not null default 0,
  size integer not null,
  etag text,
  last_modified text,
  fetched_at text not null
) strict;

create index snapshot_hash on snapshot (hash);
create index snapshot_source on snapshot (source, file, id);

create table run (
  id integer not null primary key,
  source text not null,
  series text not null,
  snapshot integer not null references snapshot (id),
  manifest text not null,
  state text not null check (state in ('loading', 'published', 'refused', 'failed')),
  first_observation integer not null,
  first_fact integer not null,
  rows_read integer not null default 0,
  observations_new integer not null default 0,
  observations_changed integer not null default 0,
  observations_unchanged integer not null default 0,
  facts_new integer not null default 0,
  facts_changed integer not null default 0,
  facts_unchanged integer not null default 0,
  duplicates integer not null default 0,
  quarantined integer not null default 0,
  problem_code text,
  problem_args text,
  problem_place text,
  problem_detail text,
  started_at text not null,
  finished_at text
) strict;

create index run_series on run (source, series, id);
create index run_snapshot on run (snapshot);
create index run_loading on run (state) where state = 'loading';
