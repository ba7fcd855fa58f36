-- What is asked of the past: why a slice is not there, which runs still live, how long a slice takes.

create index event_log_unpublished on assets.event_log (asset, coalesce(partition, ''), tag, position desc)
  where tag in ('StepFailed', 'AssetWiped') or (tag = 'StepSkipped' and event ? 'reason');

-- Of each slice the last failure, the last time that its body had nothing new, and the last wipe, as far as no value was
-- recorded since. Of a range that one step takes all of them: it has no state, its slices have.
create view assets.unpublished as
  select distinct on (e.asset, coalesce(e.partition, ''), e.tag) e.position, e.event
  from assets.event_log e
  where (e.tag in ('StepFailed', 'AssetWiped') or (e.tag = 'StepSkipped' and e.event ? 'reason'))
    and not exists (
      select from assets.asset_state s
      where s.asset = e.asset and s.partition = coalesce(e.partition, '') and s.verified_position > e.position
    )
  order by e.asset, coalesce(e.partition, ''), e.tag, e.position desc;

-- The open runs whose processes are gone. Takes no lock, so that who only asks is in nobody's way: take_abandoned_runs
-- decides the same and keeps what it found.
create function assets.abandoned_runs() returns setof text language plpgsql as $$
declare
  _free text[];
begin
  select array_agg(r.id) into _free
    from (select id, assets.run_lock(id) as lock from assets.run where status = 'Running') r
    where not exists (
      select from pg_locks l
      where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
        and l.database = (select oid from pg_database where datname = current_database())
        and l.classid::bigint = (r.lock >> 32) & 4294967295 and l.objid::bigint = r.lock & 4294967295
    );
  -- Read anew: one that ended since the snapshot of the first query holds no lock either.
  return query select r.id from assets.run r where r.id = any (_free) and r.status = 'Running';
end
$$;

-- How long a slice took: of a step that took a range, its share. Keys have neither of the characters that ranges have.
create function assets.record_durations(_runs text[]) returns void language sql as $$
  -- In the order of assets, so that runs that end at the same time wait for each other in one direction.
  insert into assets.duration as d (asset, seconds, median)
    select asset, array_agg(seconds order by n), percentile_cont(0.5) within group (order by seconds)
    from (
      select x.asset, n, x.seconds / greatest(1, case when x.partition ~ '\.\.|[,=]' then (
          select jsonb_array_length(e.event -> 'slices') from assets.event_log e
          where e.asset = x.asset and coalesce(e.partition, '') = x.partition and e.run_id = x.run_id
            and e.tag in ('AssetMaterialized', 'AssetVerified', 'AssetWiped') and e.event ? 'slices'
          order by e.position desc limit 1
        ) end) as seconds
      from (
        select s.run_id, s.asset, s.partition,
          extract(epoch from s.ended_at::timestamptz - s.started_at::timestamptz)::float8 seconds,
          row_number() over (partition by s.asset order by s.ended_at desc, s.partition desc) n
        from assets.step s
        where s.run_id = any (_runs) and s.status in ('Materialized', 'Verified', 'Observed') and s.started_at is not null
      ) x where n <= 20
    ) y group by asset order by asset
    on conflict (asset) do update set
      seconds = (excluded.seconds || d.seconds)[1:20],
      median = (select percentile_cont(0.5) within group (order by x) from unnest((excluded.seconds || d.seconds)[1:20]) x);
$$;

-- Those of steps that took ranges were of whole steps.
delete from assets.duration d using assets.step s where s.asset = d.asset and s.partition ~ '\.\.|[,=]';

-- Each part of the fold is left out of batches that have nothing for it, which are most: with all of them, and plans that
-- read whole tables for want of statistics, eight started steps took 1.5 ms instead of 0.5.
create or replace function assets.append(_events jsonb[]) returns bigint language plpgsql as $$
declare
  _tags constant text[] := array(select e ->> '_tag' from unnest(_events) e);
  _ends constant text[] := array['RunSucceeded', 'RunFailed', 'RunCanceled', 'RunInterrupted'];
  _last bigint;
begin
  with appended as (
    insert into assets.event_log (run_id, asset, partition, tag, event)
    select e ->> 'runId', e ->> 'asset', e ->> 'partition', e ->> '_tag', e from unnest(_events) with ordinality u (e, n) order by n
    returning position, tag, event
  ), checks as (
    insert into assets.check_result (position, asset, partition, check_name, passed, data_version)
    select position, event ->> 'asset', coalesce(event ->> 'partition', ''), event ->> 'check', tag = 'CheckPassed', event ->> 'dataVersion'
    from appended where tag in ('CheckPassed', 'CheckFailed')
  )
  select max(position) into _last from appended;

  if 'RunStarted' = any (_tags) then
    insert into assets.run (id, status, trigger, selection, steps, started_at, trace_id, span_id)
      select e ->> 'runId', 'Running', e ->> 'trigger', e -> 'selection', (e ->> 'steps')::integer, e ->> 'at', e ->> 'traceId', e ->> 'spanId'
      from unnest(_events) e where e ->> '_tag' = 'RunStarted';
  end if;

  -- The last event of a slice in the batch says what its step is now; its attempts and start are the largest and first.
  insert into assets.step as s (run_id, asset, partition, status, attempts, started_at, ended_at, error)
    select distinct on (run_id, asset, partition) run_id, asset, partition, status,
      max(attempts) over slice, min(started_at) over slice, ended_at, error
    from (
      select n, e ->> 'runId' run_id, e ->> 'asset' asset, coalesce(e ->> 'partition', '') partition,
        t.status,
        coalesce((e ->> 'attempts')::integer, (e ->> 'attempt')::integer, 0) attempts,
        case when e ->> '_tag' = 'StepStarted' then e ->> 'at' end started_at,
        case when t.status <> 'Running' then e ->> 'at' end ended_at,
        case when t.status = 'Failed' then e -> 'error' end error
      from unnest(_events) with ordinality u (e, n)
      join (values ('StepStarted', 'Running'), ('StepRetried', 'Running'), ('AssetMaterialized', 'Materialized'),
        ('AssetVerified', 'Verified'), ('StepCutOff', 'CutOff'), ('StepSkipped', 'Skipped'), ('StepFailed', 'Failed'),
        ('AssetWiped', 'Wiped')) t (tag, status) on t.tag = e ->> '_tag'
    ) x
    window slice as (partition by run_id, asset, partition)
    order by run_id, asset, partition, n desc
    on conflict (run_id, asset, partition) do update set
      status = excluded.status, attempts = greatest(s.attempts, excluded.attempts),
      started_at = coalesce(s.started_at, excluded.started_at), ended_at = excluded.ended_at, error = excluded.error;

  if 'AssetWiped' = any (_tags) then
    delete from assets.asset_state s using unnest(_events) e
      where e ->> '_tag' = 'AssetWiped' and s.asset = e ->> 'asset' and s.partition = coalesce(e ->> 'partition', '');
  end if;

  if _tags && _ends then
    update assets.run r set
        status = case x.e ->> '_tag' when 'RunSucceeded' then 'Succeeded' when 'RunFailed' then 'Failed'
          when 'RunCanceled' then 'Canceled' else 'Interrupted' end,
        ended_at = x.e ->> 'at', error = x.e -> 'error'
      from unnest(_events) x (e) where x.e ->> '_tag' = any (_ends) and r.id = x.e ->> 'runId';
    update assets.step s set
        status = case x.e ->> '_tag' when 'RunInterrupted' then 'Interrupted' else 'Canceled' end, ended_at = x.e ->> 'at'
      from unnest(_events) x (e)
      where x.e ->> '_tag' = any (_ends) and s.run_id = x.e ->> 'runId' and s.status = 'Running';
    perform assets.record_durations(array(select e ->> 'runId' from unnest(_events) e where e ->> '_tag' = any (_ends)));
  end if;

  return _last;
end
$$;
