-- Backfills: what was asked for, how it stands, and the runs that carry it out. What became of each slice is in
-- assets.step of those runs.

create table assets.backfill (
  id text primary key,
  -- as people want it; that nobody carries out a Running one shows in its lock being free
  status text not null check (status in ('Running', 'Paused', 'Canceled', 'Succeeded', 'Failed')),
  request jsonb not null,
  requested_at text not null,
  ended_at text
);

create table assets.backfill_run (
  backfill_id text not null references assets.backfill,
  -- its row comes later in the transaction
  run_id text not null references assets.run deferrable initially deferred,
  primary key (backfill_id, run_id)
);

-- Held by the session of the process that carries a backfill out.
create function assets.backfill_lock(_id text) returns bigint language sql immutable as $$
  select hashtextextended(_id, 7208)
$$;

-- A fact that comes too late, such as a pause of what has ended meanwhile, changes nothing.
create function assets.record_backfill() returns trigger language plpgsql as $$
begin
  if new.tag = 'RunStarted' then
    insert into assets.backfill_run (backfill_id, run_id) values (new.event ->> 'backfill', new.run_id);
  elsif new.tag = 'BackfillRequested' then
    insert into assets.backfill (id, status, request, requested_at)
      values (new.event ->> 'backfill', 'Running', new.event -> 'request', new.event ->> 'at');
  else
    update assets.backfill b set status = t.after, ended_at = case when t.ends then new.event ->> 'at' end
      from (values
        ('BackfillPaused', 'Paused', array['Running'], false),
        ('BackfillResumed', 'Running', array['Running', 'Paused', 'Failed'], false),
        ('BackfillCanceled', 'Canceled', array['Running', 'Paused'], true),
        ('BackfillSucceeded', 'Succeeded', array['Running'], true),
        ('BackfillFailed', 'Failed', array['Running'], true)
      ) t (tag, after, before, ends)
      where b.id = new.event ->> 'backfill' and t.tag = new.tag and b.status = any (t.before);
  end if;
  return null;
end
$$;

-- Whatever appends: most events are no business of it.
create trigger event_log_backfill after insert on assets.event_log for each row
  when (new.event ? 'backfill') execute function assets.record_backfill();
