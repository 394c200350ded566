-- Why: the numbers themselves. A number is never overwritten: a correction is a new row, and the old one
-- names in `superseded_by` the run that replaced it. A replacement by a run still loading does not count yet.
-- Key: round, unit, measure, subject, grade, breakdown; absent subject and breakdown are '', absent grade is 0,
-- because a unique index takes two nulls for different. The value is `value` divided by ten to the power of `scale`.
-- `snapshot` repeats what `run` knows, so that a person in the database's own shell needs one join less.

create table observation (
  id integer not null primary key,
  unit text not null references unit (id),
  procedure text not null,
  round text not null,
  measure text not null,
  subject text not null default '',
  grade integer not null default 0,
  breakdown text not null default '',
  value integer not null,
  scale integer not null default 0,
  n integer,
  place text not null,
  snapshot integer not null,
  run integer not null references run (id),
  superseded_by integer references run (id)
) strict;

-- At most one row of a key is open; the only index that a first load has to keep.
create unique index observation_key on observation (round, unit, measure, subject, grade, breakdown)
  where superseded_by is null;

create index observation_history on observation (round, unit, measure, subject, grade, breakdown)
  where superseded_by is not null;

create index observation_superseded on observation (superseded_by) where superseded_by is not null;

-- What holds now: open rows of finished runs, and rows whose replacement is still being loaded.
create view current_observation as
select * from observation
where superseded_by is null
  and run not in (select id from run where state = 'loading')
union all
select * from observation
where superseded_by in (select id from run where state = 'loading');
