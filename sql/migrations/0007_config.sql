-- What a value was made with besides code and inputs: the settings its body read, as digests that tell nothing of them.

-- One row. Under a key, digests of short secrets cannot be found by trying; 244 random bits.
create table assets.config_key (
  is_only boolean primary key default true check (is_only),
  key text not null
);
insert into assets.config_key (key) values (gen_random_uuid()::text || gen_random_uuid()::text);

alter table assets.asset_state add column config json not null default '{}';

-- The fold of a value that covers many slices, whose event is at _position. Events of older versions have no settings.
create function assets.record_slices(_event jsonb, _position bigint) returns void language plpgsql as $$
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
