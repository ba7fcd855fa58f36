-- For each track that is shown its listens by users who are: those up to a day, of two halves of the users apart, and those of the newest
-- week after that day. $1: the day, counted from 1970-01-01.
select
  h.track_id::float8 as track_id,
  count(*) filter (where h.day <= cut.day and hashint8(h.user_id) & 1 = 0)::float8 as ordering,
  count(*) filter (where h.day <= cut.day and hashint8(h.user_id) & 1 = 1)::float8 as learnt,
  count(*) filter (where h.day > cut.day and h.day > newest.day - 7)::float8 as since
from music.listen_history h
cross join (select date '1970-01-01' + $1::integer as day) cut
cross join (select max(day) as day from music.listen_history) newest
join music.users u on u.id = h.user_id and u.removed_at is null
join music.tracks t on t.id = h.track_id and t.removed_at is null
group by h.track_id
