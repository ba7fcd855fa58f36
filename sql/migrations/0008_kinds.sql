-- Kinds of asset: what others compute and a run has looked at.

alter table assets.step drop constraint step_status_check, add constraint step_status_check check (
  status in (
    'Running', 'Materialized', 'Verified', 'Observed', 'CutOff', 'Skipped', 'Failed', 'Canceled', 'Interrupted', 'Wiped'
  )
);

-- Records a value in one go: the fact, its fold into the state or, of many slices, into theirs, and the end of its step.
-- 'AssetVerified' keeps when and by which run the value last changed. The hot path of every step, so it does not go
-- through append.
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
    values (_event ->> 'runId', _asset, _partition,
      case _event ->> '_tag' when 'AssetVerified' then 'Verified' when 'AssetObserved' then 'Observed' else 'Materialized' end,
      (_event ->> 'attempts')::integer, null, _event ->> 'at')
    on conflict (run_id, asset, partition) do update set
      status = excluded.status, attempts = greatest(s.attempts, excluded.attempts), ended_at = excluded.ended_at, error = null;
end
$$;
