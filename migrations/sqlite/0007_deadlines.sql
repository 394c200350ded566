-- Why: due dates are computed, but what people did about them is not: the document that closed a deadline.
-- A mark says that a letter about a cause went to a recipient: a deadline at one of its stages, a report, a failing
-- source. It is written in the transaction that queues the letter. Marks of the stages `seen/…` and `recovered` may
-- stand without one: they count days and end outages.

create table evidence (
  deadline text not null primary key,
  document text not null,
  done_by text not null,
  done_at text not null
) strict;

create table alert_mark (
  cause text not null,
  stage text not null,
  recipient text not null,
  letter text not null,
  marked_at text not null,
  primary key (cause, stage, recipient)
) strict;
