-- What a value was made with besides code and inputs: the settings its body read, as digests that tell nothing of them.

-- One row. Under a key, digests of short secrets cannot be found by trying; 244 random bits.
create table assets.config_key (
  is_only boolean primary key default true check (is_only),
  key text not null
);
insert into assets.config_key (key) values (gen_random_uuid()::text || gen_random_uuid()::text);

alter table assets.asset_state add column config json not null default '{}';

-- As before, with the settings: events of older versions have none.
create or replace function assets.record_slices(_event jsonb, _position bigint) returns void language plpgsql as $$
declare
  _asset constant text := _event ->> 'asset';
begin
  insert into assets.range_value (position, asset, provenance, metadata)
    values (_position, _asset, _event -> 'provenance', _event -> 'metadata');

  -- Of a slice that did not change, what tells of its last change stays; the claim on the asset keeps others from it.
  insert into assets.asset_state as s (
    asset, partition, code_version, data_version, provenance, config, changed_position, verified_position,
    materialized_at, verified_at, rows, metadata, run_id, trace_id, span_id
  )
  select _asset, x.partition, _event ->> 'codeVersion', x."dataVersion", coalesce(x.provenance, '{}'), coalesce(_event -> 'config', '{}'),
    coalesce(o.changed_position, _position), _position, coalesce(o.materialized_at, _event ->> 'at'), _event ->> 'at',
    x.rows, coalesce(o.metadata, '{}'), coalesce(o.run_id, _event ->> 'runId'),
    case when o.asset is null then _event ->> 'traceId' else o.trace_id end,
    case when o.asset is null then _event ->> 'spanId' else o.span_id end
  from jsonb_to_recordset(_event -> 'slices')
    x (partition text, "dataVersion" text, rows bigint, changed boolean, provenance json)
  left join assets.asset_state o on not x.changed and o.asset = _asset and o.partition = x.partition
  -- As readers lock them.
  order by x.partition
  on conflict (asset, partition) do update set
    code_version = excluded.code_version, data_version = excluded.data_version, provenance = excluded.provenance,
    config = excluded.config,
    changed_position = excluded.changed_position, verified_position = excluded.verified_position,
    materialized_at = excluded.materialized_at, verified_at = excluded.verified_at, rows = excluded.rows,
    metadata = excluded.metadata, run_id = excluded.run_id, trace_id = excluded.trace_id, span_id = excluded.span_id;

  -- What no slice refers to any more; now and then, because it reads all of the asset's slices.
  if (select count(*) % 32 = 0 from assets.range_value r where r.asset = _asset) then
    delete from assets.range_value r where r.asset = _asset and r.position not in (
      select s.changed_position from assets.asset_state s where s.asset = _asset
      union all
      select s.verified_position from assets.asset_state s where s.asset = _asset
    );
  end if;
end
$$;

create or replace function assets.record_value(_event jsonb) returns void language plpgsql as $$
declare
  _position bigint;
  _asset constant text := _event ->> 'asset';
  _partition constant text := coalesce(_event ->> 'partition', '');
  _verified constant boolean := _event ->> '_tag' = 'AssetVerified';
begin
  insert into assets.event_log (run_id, asset, partition, tag, event)
    values (_event ->> 'runId', _asset, _event ->> 'partition', _event ->> '_tag', _event)
    returning position into _position;

  if _event ? 'slices' then
    perform assets.record_slices(_event, _position);
  else
    insert into assets.asset_state as s (
      asset, partition, code_version, data_version, provenance, config, changed_position, verified_position,
      materialized_at, verified_at, rows, metadata, run_id, trace_id, span_id
    ) values (
      _asset, _partition, _event ->> 'codeVersion', _event ->> 'dataVersion',
      _event -> 'provenance', coalesce(_event -> 'config', '{}'), _position, _position,
      _event ->> 'at', _event ->> 'at', (_event ->> 'rows')::bigint,
      _event -> 'metadata', _event ->> 'runId', _event ->> 'traceId', _event ->> 'spanId'
    )
    on conflict (asset, partition) do update set
      code_version = excluded.code_version, data_version = excluded.data_version, provenance = excluded.provenance,
      config = excluded.config,
      verified_position = _position, verified_at = excluded.verified_at, rows = excluded.rows,
      changed_position = case when _verified then s.changed_position else _position end,
      materialized_at = case when _verified then s.materialized_at else excluded.materialized_at end,
      metadata = case when _verified then s.metadata else excluded.metadata end,
      run_id = case when _verified then s.run_id else excluded.run_id end,
      trace_id = case when _verified then s.trace_id else excluded.trace_id end,
      span_id = case when _verified then s.span_id else excluded.span_id end;
  end if;

  insert into assets.step as s (run_id, asset, partition, status, attempts, started_at, ended_at)
    values (_event ->> 'runId', _asset, _partition, case when _verified then 'Verified' else 'Materialized' end,
      (_event ->> 'attempts')::integer, null, _event ->> 'at')
    on conflict (run_id, asset, partition) do update set
      status = excluded.status, attempts = greatest(s.attempts, excluded.attempts), ended_at = excluded.ended_at, error = null;
end
$$;
