-- Why: a whole country by region and year is a scan of every number, seconds at ten millions of them. Counts and sums
-- of organisations therefore stand once more, added up by territory; ready-made shares, means and indices do not.
-- A pair in `territory_stale` says that numbers below that territory have changed since: its sums are not to be used
-- until they are computed again. The pair is written in the transaction that makes the change visible.
-- Rows of different `scale` are different sums until they are read.

create table territory_sum (
  round text not null,
  territory text not null,
  measure text not null,
  subject text not null,
  grade integer not null,
  breakdown text not null,
  scale integer not null,
  value integer not null,
  n integer,
  units integer not null,
  primary key (round, territory, measure, subject, grade, breakdown, scale)
) strict, without rowid;

create table territory_stale (
  round text not null,
  territory text not null,
  primary key (round, territory)
) strict, without rowid;

-- From a territory down to what lies in it.
create index unit_parent on unit (parent);

-- What was loaded before has no sums yet. Jumps from round to round along the index, as a plain distinct would not.
insert into territory_stale (round, territory)
with recursive jump (round) as (
  select min(round) from observation where superseded_by is null
  union all
  select (select min(o.round) from observation o where o.superseded_by is null and o.round > jump.round)
  from jump where jump.round is not null
)
select jump.round, unit.id from jump cross join unit
where jump.round is not null and unit.kind in ('municipality', 'region', 'country');
