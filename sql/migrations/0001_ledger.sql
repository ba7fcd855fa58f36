-- What the runtime records: the event log and, kept in the transactions that append to it, its fold.

create table assets.event_log (
  position bigint generated always as identity primary key,
  run_id text not null,
  asset text,
  partition text,
  tag text not null,
  -- as the writer's clock had it, inside the event; this is when the database saw it
  recorded_at timestamptz not null default clock_timestamp(),
  event jsonb not null
);
create index event_log_run on assets.event_log (run_id, position);
create index event_log_asset on assets.event_log (asset, position) where asset is not null;

create function assets.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'assets.event_log is append-only: % refused', tg_op using errcode = 'restrict_violation';
end
$$;
create trigger event_log_append_only before update or delete or truncate on assets.event_log
  for each statement execute function assets.refuse_change();

-- One row a published slice; partition is '' for an asset without partitions, so that it can be part of the key.
create table assets.asset_state (
  asset text not null,
  partition text not null,
  code_version text not null,
  data_version text not null,
  provenance jsonb not null,
  changed_position bigint not null,
  verified_position bigint not null,
  materialized_at text not null,
  verified_at text not null,
  rows bigint,
  metadata jsonb not null,
  run_id text not null,
  trace_id text,
  span_id text,
  primary key (asset, partition)
) with (fillfactor = 80);

create table assets.run (
  id text primary key,
  status text not null check (status in ('Queued', 'Running', 'Succeeded', 'Failed', 'Canceled', 'Interrupted')),
  trigger text not null,
  selection jsonb not null,
  steps integer not null,
  started_at text not null,
  ended_at text,
  trace_id text,
  span_id text,
  error jsonb
);
create index run_started on assets.run (started_at desc);
create index run_open on assets.run (id) where status = 'Running';

create table assets.step (
  run_id text not null references assets.run,
  asset text not null,
  partition text not null,
  status text not null check (
    status in ('Running', 'Materialized', 'Verified', 'CutOff', 'Skipped', 'Failed', 'Canceled', 'Interrupted', 'Wiped')
  ),
  attempts integer not null,
  started_at text,
  ended_at text,
  error jsonb,
  primary key (run_id, asset, partition)
) with (fillfactor = 70);

create table assets.check_result (
  position bigint primary key references assets.event_log,
  asset text not null,
  partition text not null,
  check_name text not null,
  passed boolean not null,
  data_version text not null
);
create index check_result_latest on assets.check_result (asset, partition, check_name, position desc);

-- Who may publish a slice. The epoch only grows: a writer that lost its claim finds a later one and is fenced out.
-- Exclusion is the holder's session advisory lock; expires_at is for hosts that vanished without closing theirs.
create table assets.lease (
  asset text not null,
  partition text not null,
  epoch bigint not null,
  run_id text not null,
  holder_pid integer not null,
  holder_started_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (asset, partition)
-- No index beyond the key, and room in the pages: every step updates its row, in place.
) with (fillfactor = 70);

create table assets.quarantine (
  id bigint generated always as identity primary key,
  run_id text not null,
  asset text not null,
  partition text not null,
  attempt integer not null,
  at text not null,
  reason text not null,
  item jsonb not null
);
create index quarantine_slice on assets.quarantine (asset, partition, run_id);

create function assets.slice_lock(_asset text, _partition text) returns bigint language sql immutable as $$
  select hashtextextended(_asset || chr(31) || _partition, 7201)
$$;

create function assets.run_lock(_run_id text) returns bigint language sql immutable as $$
  select hashtextextended(_run_id, 7202)
$$;

-- Gives back the slices _back, then claims for the calling session, begun at _since, what is free of the given ones;
-- returns those, with their new epochs. A slice that is given back keeps its row: without its lock that says nothing.
create function assets.exchange_claims(
  _run_id text, _since timestamptz, _back text[], _back_partitions text[], _assets text[], _partitions text[]
) returns table (asset text, partition text, epoch bigint) language plpgsql as $$
#variable_conflict use_column
declare
  _pid constant integer := pg_backend_pid();
  _claimed integer;
begin
  perform pg_advisory_unlock(assets.slice_lock(b.asset, b.partition)) from unnest(_back, _back_partitions) b (asset, partition);
  if cardinality(_assets) = 0 then return; end if;
  return query
    with wanted as materialized (
      select w.asset, w.partition from unnest(_assets, _partitions) w (asset, partition)
    ), locked as materialized (
      select w.asset, w.partition from wanted w where pg_try_advisory_lock(assets.slice_lock(w.asset, w.partition))
    ), known as materialized (
      -- Waits for a publish under the epoch before this one, if its session was lost in the middle of it.
      select l.asset, l.partition from assets.lease l join locked k on k.asset = l.asset and k.partition = l.partition
      for update of l
    )
    insert into assets.lease as l (asset, partition, epoch, run_id, holder_pid, holder_started_at, expires_at)
    select k.asset, k.partition, 1, _run_id, _pid, _since, clock_timestamp() + interval '15 seconds'
    from locked k left join known n on n.asset = k.asset and n.partition = k.partition
    on conflict (asset, partition) do update set
      epoch = l.epoch + 1, run_id = excluded.run_id, holder_pid = excluded.holder_pid,
      holder_started_at = excluded.holder_started_at, expires_at = excluded.expires_at
    returning l.asset, l.partition, l.epoch;
  get diagnostics _claimed = row_count;
  -- A holder whose host vanished renews no more but keeps its lock until the network notices: end its session.
  if _claimed < cardinality(_assets) then
    perform pg_terminate_backend(a.pid)
      from unnest(_assets, _partitions) w (asset, partition)
      join assets.lease l on l.asset = w.asset and l.partition = w.partition and l.expires_at < clock_timestamp()
      join pg_stat_activity a on a.pid = l.holder_pid and a.backend_start = l.holder_started_at
      join pg_locks k on k.pid = a.pid and k.locktype = 'advisory' and k.granted and k.objsubid = 1 and k.database = a.datid
        and ((k.classid::bigint << 32) | k.objid::bigint) = assets.slice_lock(w.asset, w.partition)
      where a.pid <> _pid;
  end if;
end
$$;

-- Opens a publish: 'ok', 'fenced' when the claim was lost, or 'moved' when a dependency was published since it was
-- loaded. A dependency's version is the position it was changed at; a null partition stands for all, whose version is
-- 'count:sum of positions'.
create function assets.begin_publish(
  _asset text, _partition text, _epoch bigint, _deps text[], _dep_partitions text[], _dep_versions text[]
) returns text language plpgsql as $$
begin
  -- A key share keeps the epoch as it is and lets the lease be renewed: rows may take longer than it lasts.
  perform 1 from assets.lease l where l.asset = _asset and l.partition = _partition and l.epoch = _epoch for key share;
  if not found then return 'fenced'; end if;
  if cardinality(_deps) > 0 then
    perform 1 from assets.asset_state s join unnest(_deps, _dep_partitions) d (asset, partition)
      on s.asset = d.asset and (d.partition is null or s.partition = d.partition)
      order by s.asset, s.partition for share of s;
    if exists (
      select from unnest(_deps, _dep_partitions, _dep_versions) d (asset, partition, version)
      where d.version is distinct from (
        case when d.partition is null
          then (select count(*) || ':' || coalesce(sum(s.changed_position), 0) from assets.asset_state s where s.asset = d.asset)
          else (select s.changed_position::text from assets.asset_state s where s.asset = d.asset and s.partition = d.partition)
        end
      )
    ) then return 'moved'; end if;
  end if;
  return 'ok';
end
$$;

-- Each part of the fold is left out of batches that have nothing for it, which are most: with all of them, and plans that
-- read whole tables for want of statistics, eight started steps took 1.5 ms instead of 0.5.
create function assets.append(_events jsonb[]) returns bigint language plpgsql as $$
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
  end if;

  return _last;
end
$$;

-- Records a value in one go: the fact, its fold into the state, and the end of its step. 'AssetVerified' keeps when and
-- by which run the value last changed. The hot path of every step, so it does not go through append.
create function assets.record_value(_event jsonb) returns void language plpgsql as $$
declare
  _position bigint;
  _asset constant text := _event ->> 'asset';
  _partition constant text := coalesce(_event ->> 'partition', '');
  _verified constant boolean := _event ->> '_tag' = 'AssetVerified';
begin
  insert into assets.event_log (run_id, asset, partition, tag, event)
    values (_event ->> 'runId', _asset, _event ->> 'partition', _event ->> '_tag', _event)
    returning position into _position;

  insert into assets.asset_state as s (
    asset, partition, code_version, data_version, provenance, changed_position, verified_position,
    materialized_at, verified_at, rows, metadata, run_id, trace_id, span_id
  ) values (
    _asset, _partition, _event ->> 'codeVersion', _event ->> 'dataVersion',
    _event -> 'provenance', _position, _position, _event ->> 'at', _event ->> 'at', (_event ->> 'rows')::bigint,
    _event -> 'metadata', _event ->> 'runId', _event ->> 'traceId', _event ->> 'spanId'
  )
  on conflict (asset, partition) do update set
    code_version = excluded.code_version, data_version = excluded.data_version, provenance = excluded.provenance,
    verified_position = _position, verified_at = excluded.verified_at, rows = excluded.rows,
    changed_position = case when _verified then s.changed_position else _position end,
    materialized_at = case when _verified then s.materialized_at else excluded.materialized_at end,
    metadata = case when _verified then s.metadata else excluded.metadata end,
    run_id = case when _verified then s.run_id else excluded.run_id end,
    trace_id = case when _verified then s.trace_id else excluded.trace_id end,
    span_id = case when _verified then s.span_id else excluded.span_id end;

  insert into assets.step as s (run_id, asset, partition, status, attempts, started_at, ended_at)
    values (_event ->> 'runId', _asset, _partition, case when _verified then 'Verified' else 'Materialized' end,
      (_event ->> 'attempts')::integer, null, _event ->> 'at')
    on conflict (run_id, asset, partition) do update set
      status = excluded.status, attempts = greatest(s.attempts, excluded.attempts), ended_at = excluded.ended_at, error = null;
end
$$;

-- A publish without rows, in one round trip and one transaction.
create function assets.publish_value(
  _asset text, _partition text, _epoch bigint, _deps text[], _dep_partitions text[], _dep_versions text[], _event jsonb
) returns text language plpgsql as $$
declare
  _verdict constant text := assets.begin_publish(_asset, _partition, _epoch, _deps, _dep_partitions, _dep_versions);
begin
  if _verdict = 'ok' then perform assets.record_value(_event); end if;
  return _verdict;
end
$$;

-- Runs that are still open although no session holds their lock any more; the caller's session now does.
create function assets.take_abandoned_runs() returns setof assets.run language plpgsql as $$
declare
  _free text[];
begin
  select array_agg(r.id) into _free
    from (select id from assets.run where status = 'Running' offset 0) r where pg_try_advisory_lock(assets.run_lock(r.id));
  -- Read anew: one that ended since the snapshot of the first query has a free lock too.
  return query select r.* from assets.run r where r.id = any (_free) and r.status = 'Running';
end
$$;
