-- Why: what came in, left, was changed or removed has to be told for years, and nobody may change the telling unseen.
-- Each record carries the hash of the one before it. A chain belongs to one node, so that nodes do not wait for each
-- other; `audit_chain` knows where it ends, and where it was cut when its oldest records had been kept long enough.
-- The laws stand here and not in the program: a record goes in only behind the head of its chain, none changes, and
-- only what lies before the cut is removed. A record that does not fit is left out; its writer asks for the head again.

create table audit_chain (
  chain text not null primary key,
  head_seq integer not null default 0,
  head_hash text not null default '',
  cut_seq integer not null default 0,
  cut_hash text not null default ''
) strict;

create table audit (
  chain text not null references audit_chain (chain),
  seq integer not null,
  at text not null,
  actor text not null,
  action text not null,
  object text not null,
  recipient text,
  counts text not null,
  previous text not null,
  hash text not null,
  primary key (chain, seq)
) strict;

create index audit_at on audit (at);

create trigger audit_grows before insert on audit begin
  update audit_chain set head_seq = new.seq, head_hash = new.hash
  where chain = new.chain and head_seq = new.seq - 1 and head_hash = new.previous;
  select raise(ignore) where changes() = 0;
end;

create trigger audit_stays before update on audit begin
  select raise(abort, 'the audit log only grows');
end;

create trigger audit_is_cut before delete on audit
when old.seq > coalesce((select cut_seq from audit_chain where chain = old.chain), 0) begin
  select raise(abort, 'the audit log only grows');
end;

create trigger audit_chain_grows before update on audit_chain
when new.chain <> old.chain
  or new.head_seq < old.head_seq or (new.head_seq = old.head_seq and new.head_hash <> old.head_hash)
  or new.cut_seq < old.cut_seq or (new.cut_seq = old.cut_seq and new.cut_hash <> old.cut_hash)
  or (new.cut_seq > old.cut_seq and not exists (select 1 from audit
    where chain = new.chain and seq = new.cut_seq and hash = new.cut_hash and seq < new.head_seq)) begin
  select raise(abort, 'the audit log only grows');
end;

create trigger audit_chain_stays before delete on audit_chain begin
  select raise(abort, 'the audit log only grows');
end;

-- The hash of a letter outlives its body.
alter table outbox add column message_hash text not null default '';
