-- Why: due dates are computed, but what people did about them is not: the document that closed a deadline.
-- A mark says that a letter about a cause went to a recipient: a deadline at one of its stages, a report, a failing
-- source. It is written in the transaction that queues the letter. Marks of the stages `seen/…` and `recovered` may
-- stand without one: they count days and end outages.

create table evidence (
  deadline text collate "C" not null primary key,
  document text collate "C" not null,
  done_by text collate "C" not null,
  done_at text collate "C" not null
);

create table alert_mark (
  cause text collate "C" not null,
  stage text collate "C" not null,
  recipient text collate "C" not null,
  letter text collate "C" not null,
  marked_at text collate "C" not null,
  primary key (cause, stage, recipient)
);
