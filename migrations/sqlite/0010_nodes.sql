-- Why: several daemons may share one server. Each says that it lives in `node`; what a node that fell silent had
-- begun is taken over by the others. An embedded database has one holder and no rows here.

create table node (
  id text not null primary key,
  seen_at text not null
) strict;

alter table run add column node text not null default '';
alter table source_state add column node text not null default '';

-- What waits is asked for every few seconds; what is closed only grows.
create index quarantine_open on quarantine (source, series) where state = 'open';
