-- What a user ($1) is known to have played: as the features have it, and how often he told of it since his recommendations
-- were computed ($2, a text; null: never) or of what the features do not know. `weight` is by the age of his listens, of which
-- each loses half its worth every $3 days before the newest day (null: none), as `Listens.weigh` has it.
select coalesce(f.track_id, p.track_id)::float8 as track_id,
  coalesce(a.weight, f.plays, 0)::float8 as weight,
  (case when f.track_id is null then coalesce(p.all_told, 0) else coalesce(p.since, 0) end)::integer as told,
  p.told_at
from (select * from music.features where user_id = $1) f
full join (
  select track_id, count(*) as all_told, max(received_at) as told_at,
    count(*) filter (where $2::text is null or received_at > $2::text::timestamptz) as since
  from music.posted_listen where user_id = $1 group by track_id
) p on p.track_id = f.track_id
left join (
  select h.track_id, sum(power(0.5::float8, (newest.day - h.day) / $3::float8)) as weight
  from music.listen_history h
  cross join (select max(day) as day from music.listen_history) newest
  where $3::float8 is not null and h.user_id = $1 group by h.track_id
) a on a.track_id = f.track_id
