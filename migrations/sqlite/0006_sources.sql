-- Why: what is due and what is silent is computed from our own table, so that a restart forgets nothing,
-- and a page that has not changed costs one conditional request.

create table source_state (
  source text not null primary key,
  last_started text,
  last_finished text,
  last_success text,
  failing_since text,
  failures integer not null default 0,
  next_due text,
  rows_read integer not null default 0,
  quarantined integer not null default 0,
  problem_code text,
  problem_args text,
  problem_place text,
  problem_detail text
) strict;

create table http_validator (
  url text not null primary key,
  source text not null,
  etag text,
  last_modified text,
  body_hash text,
  checked_at text not null
) strict;
