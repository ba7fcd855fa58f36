-- What checks look back on, of slices that were published many at once.

-- Each slice of each such publish: its event has up to thousands, too many to look through for every one of them.
create table assets.range_slice (
  asset text not null,
  partition text not null,
  position bigint not null,
  data_version text not null,
  rows float8,
  at text not null,
  primary key (asset, partition, position)
);

create function assets.record_range_slices() returns trigger language plpgsql as $$
declare
  -- Not in the statement, which would fetch the whole event again for each row: 12,000 slices took 13 s instead of 0.2.
  _at constant text := new.event ->> 'at';
begin
  insert into assets.range_slice (asset, partition, position, data_version, rows, at)
    select new.asset, s.partition, new.position, s."dataVersion", s.rows, _at
    from jsonb_to_recordset(new.event -> 'slices') s (partition text, "dataVersion" text, rows float8);
  return null;
end
$$;

create trigger event_log_range_slice after insert on assets.event_log for each row
  when (new.event ? 'slices') execute function assets.record_range_slices();

insert into assets.range_slice (asset, partition, position, data_version, rows, at)
  select e.asset, s.partition, e.position, s."dataVersion", s.rows, e.at
  from (
    select l.asset, l.position, l.event ->> 'at' as at, l.event -> 'slices' as slices from assets.event_log l
    where l.tag in ('AssetMaterialized', 'AssetVerified') and l.event ? 'slices' offset 0
  ) e, jsonb_to_recordset(e.slices) s (partition text, "dataVersion" text, rows float8);

-- Values of the slice recorded before a position, or all for null, since it was last wiped; newest first.
create or replace function assets.earlier_values(_asset text, _partition text, _before bigint, _limit integer)
returns table (data_version text, rows float8, at text) language sql stable as $$
  with since as (
    select coalesce(max(w.position), 0) as position from assets.event_log w
    where w.asset = _asset and coalesce(w.partition, '') = _partition
      and w.tag in ('AssetMaterialized', 'AssetVerified', 'AssetWiped') and w.tag = 'AssetWiped'
  ), alone as (
    select e.position, e.event ->> 'dataVersion' as data_version, (e.event ->> 'rows')::float8 as rows, e.event ->> 'at' as at
    from assets.event_log e
    where e.asset = _asset and coalesce(e.partition, '') = _partition
      and e.tag in ('AssetMaterialized', 'AssetVerified', 'AssetWiped') and e.tag <> 'AssetWiped'
      and (_before is null or e.position < _before)
      and e.position > (select s.position from since s)
    order by e.position desc limit _limit
  ), among_others as (
    select r.position, r.data_version, r.rows, r.at
    from assets.range_slice r
    where r.asset = _asset and r.partition = _partition
      and (_before is null or r.position < _before)
      and r.position > (select s.position from since s)
    order by r.position desc limit _limit
  )
  select v.data_version, v.rows, v.at
  from (table alone union all table among_others) v
  order by v.position desc limit _limit
$$;
