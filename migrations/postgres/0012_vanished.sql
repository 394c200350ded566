-- Why: a number that a newer delivery no longer holds stops to hold with that load. It is closed by `superseded_by`
-- without a successor; the load counts how many it closed.

alter table run add column observations_closed bigint not null default 0;
