-- Why: a letter is written down in the transaction of its cause and sent later, so that it is neither lost nor
-- doubled. `message` holds the whole letter as it goes out: a repeat is equal to the byte.
-- The attempt is recorded before the call, its outcome after it. While a letter is being sent, `next_at` is the end
-- of its sender's lease; a letter that is done has none.

create table outbox (
  id integer not null primary key,
  key text not null unique,
  kind text not null,
  recipient text not null,
  subject text not null,
  message blob not null,
  state text not null default 'queued' check (state in ('queued', 'sending', 'sent', 'failed', 'held')),
  attempt integer not null default 0,
  next_at text,
  problem_code text,
  problem_args text,
  problem_place text,
  problem_detail text,
  created_at text not null,
  finished_at text
) strict;

create index outbox_due on outbox (next_at, id) where next_at is not null;
create index outbox_state on outbox (state, created_at);

create table outbox_attempt (
  id integer not null primary key,
  letter integer not null references outbox (id),
  attempt integer not null,
  started_at text not null,
  finished_at text,
  outcome text,
  receipt text,
  problem_code text,
  problem_args text,
  problem_detail text
) strict;

create index outbox_attempt_letter on outbox_attempt (letter, attempt);
