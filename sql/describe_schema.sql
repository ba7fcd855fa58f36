-- The schemas of the runtime and of the project as text, one line an object, in an order that does not depend on how
-- they came to be. No parameters.
with namespaces as (
  select oid, nspname from pg_namespace where nspname in ('assets', 'assets_staging', 'music')
), lines as (
  select nspname, c.relname, 1 as rank, a.attnum::text as place,
    format('  %s %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod), case when a.attnotnull then ' not null' else '' end,
      case when a.attidentity <> '' then ' identity' else coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') end) as line
  from pg_class c join namespaces n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
  where c.relkind = 'r'
  union all
  select nspname, c.relname, 0, '', format('table %s.%s', nspname, c.relname)
  from pg_class c join namespaces n on n.oid = c.relnamespace where c.relkind = 'r'
  union all
  select nspname, c.relname, 2, o.conname, format('  %s: %s', o.conname, pg_get_constraintdef(o.oid))
  from pg_constraint o join pg_class c on c.oid = o.conrelid join namespaces n on n.oid = c.relnamespace
  where o.contype <> 'n'
  union all
  select nspname, c.relname, 3, i.relname, '  ' || pg_get_indexdef(x.indexrelid)
  from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class c on c.oid = x.indrelid
  join namespaces n on n.oid = c.relnamespace
  where not exists (select from pg_constraint o where o.conindid = x.indexrelid)
  union all
  select nspname, c.relname, 4, t.tgname, '  ' || pg_get_triggerdef(t.oid)
  from pg_trigger t join pg_class c on c.oid = t.tgrelid join namespaces n on n.oid = c.relnamespace
  where not t.tgisinternal
  union all
  select nspname, c.relname, 5, '', format('view %s.%s as%s', nspname, c.relname, chr(10) || pg_get_viewdef(c.oid))
  from pg_class c join namespaces n on n.oid = c.relnamespace where c.relkind = 'v'
  union all
  select nspname, p.proname, 6, pg_get_function_identity_arguments(p.oid), pg_get_functiondef(p.oid)
  from pg_proc p join namespaces n on n.oid = p.pronamespace
)
select line from lines
order by nspname collate "C", (rank = 6), relname collate "C", rank, lpad(place, 3, '0') collate "C", place collate "C"
