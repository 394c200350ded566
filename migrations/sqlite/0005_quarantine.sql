-- Why: a refused row is never silently gone. It waits here with its place and reason until the cause is mended
-- and the snapshot is loaded again (`replayed`), a newer delivery takes its place (`superseded`) or a person
-- drops it. `cleaned` is the row without personal data.

create table quarantine (
  id integer not null primary key,
  run integer not null references run (id),
  snapshot integer not null references snapshot (id),
  source text not null,
  series text not null,
  place text not null,
  code text not null,
  args text not null,
  detail text,
  column_name text,
  rule text,
  unit_name text,
  cleaned text not null,
  state text not null default 'open' check (state in ('open', 'replayed', 'superseded', 'dropped')),
  created_at text not null,
  closed_at text,
  closed_by text
) strict;

create index quarantine_run on quarantine (run, place);
create index quarantine_series on quarantine (source, series, snapshot, place);
