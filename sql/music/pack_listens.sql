-- The listens of users and tracks that are both still shown, packed by day into few rows: of each listen 20 bytes, the user's id as int8,
-- the track's as int8 and the position as int4. In sixteen parts a day, as a row holds 16 MiB at most. No parameters.
select
  h.day - date '1970-01-01' as day,
  string_agg(int8send(h.user_id) || int8send(h.track_id) || int4send(h.position), '') as listens
from music.listen_history h
join music.users u on u.id = h.user_id and u.removed_at is null
join music.tracks t on t.id = h.track_id and t.removed_at is null
-- All days at once: one after the other, so that nothing has to be sorted, took three times as long for 10M, without parallel workers.
group by h.day, h.user_id % 16
-- The oldest day first, so that whoever sorts them has little to do.
order by h.day
