-- Why: every number is about a unit, and every file names units in its own way.
-- Units form one tree; an alias is what one foreign system calls a unit, valid between two dates.
-- Moments are text in UTC with milliseconds, days are text, so that both databases sort them alike.

create table unit (
  id text not null primary key,
  kind text not null,
  title text not null,
  short_title text not null,
  parent text references unit (id) deferrable initially deferred,
  branch integer not null default 0,
  email text,
  changed_at text not null
) strict;

create table alias (
  system text not null,
  value text not null,
  unit text not null references unit (id),
  valid_from text not null default '',
  valid_to text not null default '',
  changed_at text not null,
  primary key (system, value, unit, valid_from)
) strict;

create index alias_unit on alias (unit);
