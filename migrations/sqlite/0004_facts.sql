-- Why: what the official sites say, with its history. Same rule of replacement as for observations;
-- `last_seen` moves when a page was read again and still says the same.
-- `value` is the JSON of the printed shape, `value_type` says how to read it back.

create table fact (
  id integer not null primary key,
  unit text not null references unit (id),
  code text not null,
  value text,
  value_type text,
  state text,
  unit_of_measure text,
  as_of text,
  url text,
  confidence integer not null,
  source_kind text not null,
  place text not null,
  snapshot integer not null,
  run integer not null references run (id),
  first_seen text not null,
  last_seen text not null,
  superseded_by integer references run (id)
) strict;

create unique index fact_key on fact (unit, code) where superseded_by is null;
create index fact_history on fact (unit, code) where superseded_by is not null;
create index fact_superseded on fact (superseded_by) where superseded_by is not null;

create view current_fact as
select * from fact
where superseded_by is null
  and run not in (select id from run where state = 'loading')
union all
select * from fact
where superseded_by in (select id from run where state = 'loading');
