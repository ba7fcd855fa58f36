-- The tracks that were played on the same days by the same users as one of them ($1), most often first.
-- Only its newest 1,000 listens count: more would take seconds for the most popular tracks.
with sessions as (
  select distinct n.day, n.user_id from (
    select day, user_id from music.listen_history where track_id = $1 order by day desc limit 1000
  ) n
), played as (
  select distinct s.day, s.user_id, l.track_id
  from sessions s join music.listen_history l on l.day = s.day and l.user_id = s.user_id
  where l.track_id <> $1
)
select p.track_id, count(*)::float8 / (select count(*) from sessions) as share
from played p join music.tracks t on t.id = p.track_id and t.removed_at is null
group by p.track_id order by count(*) desc, p.track_id limit 100
