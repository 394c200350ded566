-- Why: what came in, left, was changed or removed has to be told for years, and nobody may change the telling unseen.
-- Each record carries the hash of the one before it. A chain belongs to one node, so that nodes do not wait for each
-- other; `audit_chain` knows where it ends, and where it was cut when its oldest records had been kept long enough.
-- The laws stand here and not in the program: a record goes in only behind the head of its chain, none changes, and
-- only what lies before the cut is removed. A record that does not fit is left out; its writer asks for the head again.

create table audit_chain (
  chain text collate "C" not null primary key,
  head_seq bigint not null default 0,
  head_hash text collate "C" not null default '',
  cut_seq bigint not null default 0,
  cut_hash text collate "C" not null default ''
);

create table audit (
  chain text collate "C" not null references audit_chain (chain),
  seq bigint not null,
  at text collate "C" not null,
  actor text collate "C" not null,
  action text collate "C" not null,
  object text collate "C" not null,
  recipient text collate "C",
  counts text collate "C" not null,
  previous text collate "C" not null,
  hash text collate "C" not null,
  primary key (chain, seq)
);

create index audit_at on audit (at);

create function audit_grows() returns trigger language plpgsql as $$
begin
  update audit_chain set head_seq = new.seq, head_hash = new.hash
  where chain = new.chain and head_seq = new.seq - 1 and head_hash = new.previous;
  if not found then
    return null;
  end if;
  return new;
end $$;

create function audit_stays() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log only grows';
end $$;

create function audit_is_cut() returns trigger language plpgsql as $$
begin
  if old.seq > coalesce((select cut_seq from audit_chain where chain = old.chain), 0) then
    raise exception 'the audit log only grows';
  end if;
  return old;
end $$;

create function audit_chain_grows() returns trigger language plpgsql as $$
begin
  if new.chain <> old.chain
    or new.head_seq < old.head_seq or (new.head_seq = old.head_seq and new.head_hash <> old.head_hash)
    or new.cut_seq < old.cut_seq or (new.cut_seq = old.cut_seq and new.cut_hash <> old.cut_hash)
    or (new.cut_seq > old.cut_seq and not exists (select 1 from audit
      where chain = new.chain and seq = new.cut_seq and hash = new.cut_hash and seq < new.head_seq)) then
    raise exception 'the audit log only grows';
  end if;
  return new;
end $$;

create trigger audit_grows before insert on audit for each row execute function audit_grows();
create trigger audit_stays before update on audit for each row execute function audit_stays();
create trigger audit_is_cut before delete on audit for each row execute function audit_is_cut();
create trigger audit_is_not_emptied before truncate on audit for each statement execute function audit_stays();
create trigger audit_chain_grows before update on audit_chain for each row execute function audit_chain_grows();
create trigger audit_chain_stays before delete on audit_chain for each row execute function audit_stays();

-- The hash of a letter outlives its body.
alter table outbox add column message_hash text collate "C" not null default '';
