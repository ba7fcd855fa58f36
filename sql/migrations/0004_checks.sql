-- What checks found of the versions in force, and the values that came before one that is judged.

create index event_log_value on assets.event_log (asset, coalesce(partition, ''), position)
  where tag in ('AssetMaterialized', 'AssetVerified', 'AssetWiped');

-- Few results are failures: these are found without a look at the others.
create index check_result_failed on assets.check_result (asset, partition, data_version) where not passed;

-- Values of the slice recorded before a position, or all for null, since it was last wiped; newest first.
create function assets.earlier_values(_asset text, _partition text, _before bigint, _limit integer)
returns table (data_version text, rows float8, at text) language sql stable as $$
  select event ->> 'dataVersion', (event ->> 'rows')::float8, event ->> 'at'
  from assets.event_log e
  where e.asset = _asset and coalesce(e.partition, '') = _partition
    and e.tag in ('AssetMaterialized', 'AssetVerified', 'AssetWiped') and e.tag <> 'AssetWiped'
    and (_before is null or e.position < _before)
    and e.position > coalesce((
      select max(w.position) from assets.event_log w
      where w.asset = _asset and coalesce(w.partition, '') = _partition
        and w.tag in ('AssetMaterialized', 'AssetVerified', 'AssetWiped') and w.tag = 'AssetWiped'
    ), 0)
  order by e.position desc limit _limit
$$;

-- The failures of the versions in force that the same check has not found mended since. The version of all slices of an
-- asset together, in whose name partition is '', is in no column: the reader compares it.
create view assets.failed_check as
  select e.position, e.event
  from assets.check_result c
  join assets.event_log e using (position)
  left join assets.asset_state s on s.asset = c.asset and s.partition = c.partition
  where not c.passed
    and case when s.asset is null
      then c.partition = '' and exists (select from assets.asset_state o where o.asset = c.asset)
      else s.data_version = c.data_version end
    and not exists (
      select from assets.check_result l
      where l.asset = c.asset and l.partition = c.partition and l.check_name = c.check_name
        and l.data_version = c.data_version and l.position > c.position
    );
