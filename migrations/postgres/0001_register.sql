-- Why: every number is about a unit, and every file names units in its own way.
-- Units form one tree; an alias is what one foreign system calls a unit, valid between two dates.
-- Moments are text in UTC with milliseconds, days are text, so that both databases sort them alike.

create table unit (
  id text collate "C" not null primary key,
  kind text collate "C" not null,
  title text collate "C" not null,
  short_title text collate "C" not null,
  parent text collate "C" references unit (id) deferrable initially deferred,
  branch bigint not null default 0,
  email text collate "C",
  changed_at text collate "C" not null
);

create table alias (
  system text collate "C" not null,
  value text collate "C" not null,
  unit text collate "C" not null references unit (id),
  valid_from text collate "C" not null default '',
  valid_to text collate "C" not null default '',
  changed_at text collate "C" not null,
  primary key (system, value, unit, valid_from)
);

create index alias_unit on alias (unit);
