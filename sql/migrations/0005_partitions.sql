-- Many slices at once: read in bulk, recorded as ranges; keys of dynamic partitionings; how long steps took.

-- Read by the hundred thousand and looked into by nobody here: as text they need not be printed again for each reader.
alter table assets.asset_state alter provenance type json, alter metadata type json;

-- What the slices of one publish have in common, by its position: the provenance of those verified there, which adds to
-- a slice's own, and the metadata of those changed there, whose own is left empty.
create table assets.range_value (
  position bigint primary key,
  asset text not null,
  provenance json not null,
  metadata json not null
);
create index range_value_asset on assets.range_value (asset, position);

create table assets.dynamic_partition (
  name text not null,
  key text not null,
  -- the order of adding
  place bigint generated always as identity,
  primary key (name, key)
);

-- Computing seconds of an asset's last successful steps, newest first, and their median; as of runs that have ended.
create table assets.duration (
  asset text primary key,
  seconds float8[] not null,
  median float8 not null
);

-- Changes of partitionings belong to no run when people make them.
alter table assets.event_log alter run_id drop not null;

-- Records one event about the keys that were not there (or, removing, that were), and answers with them.
create function assets.change_partitions(_event jsonb) returns setof text language plpgsql as $$
declare
  _name constant text := _event ->> 'name';
  _adds constant boolean := _event ->> '_tag' = 'PartitionsAdded';
  _changed text[];
begin
  -- The order of the events is that of the table.
  perform pg_advisory_xact_lock(hashtextextended(_name, 7206));
  select array_agg(k.key order by k.n) into _changed
    from (
      select key, min(n) n from jsonb_array_elements_text(_event -> 'keys') with ordinality u (key, n) group by key
    ) k
    where _adds <> exists (select from assets.dynamic_partition p where p.name = _name and p.key = k.key);
  if _changed is null then return; end if;
  if _adds then
    insert into assets.dynamic_partition (name, key)
      select _name, key from unnest(_changed) with ordinality u (key, n) order by n;
  else
    delete from assets.dynamic_partition p where p.name = _name and p.key = any (_changed);
  end if;
  insert into assets.event_log (run_id, tag, event)
    values (_event ->> 'runId', _event ->> '_tag', jsonb_set(_event, '{keys}', to_jsonb(_changed)));
  return query select unnest(_changed);
end
$$;

-- Opens a publish: 'ok', 'fenced' when the claim was lost, or 'moved' when a dependency was published since it was
-- loaded. A dependency's version is the position it was changed at; a null partition stands for all, whose version is
-- 'count:sum of positions'.
create or replace function assets.begin_publish(
  _asset text, _partition text, _epoch bigint, _deps text[], _dep_partitions text[], _dep_versions text[]
) returns text language plpgsql as $$
begin
  -- A key share keeps the epoch as it is and lets the lease be renewed: rows may take longer than it lasts.
  perform 1 from assets.lease l where l.asset = _asset and l.partition = _partition and l.epoch = _epoch for key share;
  if not found then return 'fenced'; end if;
  if cardinality(_deps) = 0 then return 'ok'; end if;

  -- Slice by slice through the key, and what is locked is what is compared: joined to the table and read twice, 12,000
  -- slices of one asset took 18 s.
  perform 1 from (
      select * from unnest(_deps, _dep_partitions, _dep_versions) d (asset, partition, version)
      where d.partition is not null order by d.asset, d.partition
    ) d
    left join lateral (
      select s.changed_position from assets.asset_state s where s.asset = d.asset and s.partition = d.partition for share
    ) s on true
    where d.version is distinct from s.changed_position::text;
  if found then return 'moved'; end if;

  if array_position(_dep_partitions, null) is not null then
    perform 1 from assets.asset_state s join unnest(_deps, _dep_partitions) d (asset, partition) on s.asset = d.asset
      where d.partition is null order by s.asset, s.partition for share of s;
    -- Anew: the locks may have waited for slices to be added.
    perform 1 from unnest(_deps, _dep_partitions, _dep_versions) d (asset, partition, version)
      where d.partition is null and d.version is distinct from (
        select count(*) || ':' || coalesce(sum(s.changed_position), 0) from assets.asset_state s where s.asset = d.asset
      );
    if found then return 'moved'; end if;
  end if;
  return 'ok';
end
$$;

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
    -- In the order of assets, so that runs that end at the same time wait for each other in one direction.
    insert into assets.duration as d (asset, seconds, median)
      select asset, array_agg(seconds order by n), percentile_cont(0.5) within group (order by seconds)
      from (
        select asset, ended_at, extract(epoch from ended_at::timestamptz - started_at::timestamptz)::float8 seconds,
          row_number() over (partition by asset order by ended_at desc, partition desc) n
        from assets.step s
        where s.run_id in (select e ->> 'runId' from unnest(_events) e where e ->> '_tag' = any (_ends))
          and s.status in ('Materialized', 'Verified') and s.started_at is not null
      ) x where n <= 20 group by asset order by asset
      on conflict (asset) do update set
        seconds = (excluded.seconds || d.seconds)[1:20],
        median = (select percentile_cont(0.5) within group (order by x) from unnest((excluded.seconds || d.seconds)[1:20]) x);
  end if;

  return _last;
end
$$;
