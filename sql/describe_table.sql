-- What an existing table offers: its columns, and the sets of columns that are unique in it. No row when there is none.
-- $1: the table's name with its schema, as to_regclass takes it
select
  (
    select jsonb_agg(jsonb_build_object(
      'name', attname,
      'type', format_type(atttypid, atttypmod),
      'required', attnotnull,
      'filled', atthasdef or attidentity <> ''
    ) order by attnum)
    from pg_attribute
    where attrelid = described and attnum > 0 and not attisdropped
  ) as columns,
  (
    select coalesce(jsonb_agg(names), '[]')
    from (
      select jsonb_agg(attname order by attname) as names
      from pg_index
      join pg_attribute on attrelid = indrelid and attnum = any (indkey)
      -- an index over an expression or some rows does not serve "on conflict"
      where indrelid = described and indisunique and indpred is null and indexprs is null
      group by indexrelid
    ) as unique_index
  ) as keys
-- to_regclass alone would find a table that was made after this statement began, whose columns it does not see yet
from (select oid from pg_class where oid = to_regclass($1)) as found (described)
