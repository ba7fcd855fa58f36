-- What a user ($1) is known to have played: as the features have it, and how often he told of it since his recommendations
-- were computed ($2, a text; null: never) or of what the features do not know.
select coalesce(f.track_id, p.track_id)::float8 as track_id,
  coalesce(f.plays, 0) as plays, coalesce(f.weight, 0) as weight,
  (case when f.track_id is null then coalesce(p.all_told, 0) else coalesce(p.since, 0) end)::integer as told,
  p.told_at
from (select * from music.features where user_id = $1) f
full join (
  select track_id, count(*) as all_told, max(received_at) as told_at,
    count(*) filter (where $2::text is null or received_at > $2::text::timestamptz) as since
  from music.posted_listen where user_id = $1 group by track_id
) p on p.track_id = f.track_id
