-- Why: a document that left the house can be explained cell by cell for as long as it is kept.
-- `document` is the whole view model with the sources of every cell; `fingerprint` of its inputs lets the same
-- report of the same data keep its number.

create table report (
  id text not null primary key,
  code text not null,
  period text not null,
  number integer not null,
  unit text not null default '',
  fingerprint text not null,
  document text not null,
  created_at text not null,
  unique (code, period, number)
) strict;

create index report_fingerprint on report (code, period, unit, fingerprint);
