-- Why: what is due and what is silent is computed from our own table, so that a restart forgets nothing,
-- and a page that has not changed costs one conditional request.

create table source_state (
  source text not null primary key,
  last_started text,
  last_finished text,
  last_success text,
  failing_since text,
  failures bigint not null default 0,
  next_due text,
  rows_read bigint not null default 0,
  quarantined bigint not null default 0,
  problem_code text,
  problem_args text,
  problem_place text,
  problem_detail text
);

create table http_validator (
  url text not null primary key,
  source text not null,
  etag text,
  last_modified text,
  body_hash text,
  checked_at text not null
);
