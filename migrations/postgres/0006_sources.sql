-- Why: what is due and what is silent is computed from our own table, so that a restart forgets nothing,
-- and a page that has not changed costs one conditional request.

create table source_state (
  source text collate "C" not null primary key,
  last_started text collate "C",
  last_finished text collate "C",
  last_success text collate "C",
  failing_since text collate "C",
  failures bigint not null default 0,
  next_due text collate "C",
  rows_read bigint not null default 0,
  quarantined bigint not null default 0,
  problem_code text collate "C",
  problem_args text collate "C",
  problem_place text collate "C",
  problem_detail text collate "C"
);

create table http_validator (
  url text collate "C" not null primary key,
  source text collate "C" not null,
  etag text collate "C",
  last_modified text collate "C",
  body_hash text collate "C",
  checked_at text collate "C" not null
);
