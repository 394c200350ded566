-- Why: a document that left the house can be explained cell by cell for as long as it is kept.
-- `document` is the whole view model with the sources of every cell; `fingerprint` of its inputs lets the same
-- report of the same data keep its number.

create table report (
  id text collate "C" not null primary key,
  code text collate "C" not null,
  period text collate "C" not null,
  number bigint not null,
  unit text collate "C" not null default '',
  fingerprint text collate "C" not null,
  document text collate "C" not null,
  created_at text collate "C" not null,
  unique (code, period, number)
);

create index report_fingerprint on report (code, period, unit, fingerprint);
