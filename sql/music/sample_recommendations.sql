-- What to show of the recommendations: the first three of a few users who play enough to have reasons. No parameters.
with listeners as (
  select f.user_id from music.user_features f
  where exists (select from music.recommended_tracks r where r.user_id = f.user_id and r.because_track_id is not null)
  order by f.plays desc, f.user_id limit 3
)
select
  u.id as user_id,
  u.first_name || ' ' || u.last_name as listener,
  r.rank,
  t.name as track,
  t.artist,
  because.name as because_track,
  because.artist as because_artist
from listeners l
join music.users u on u.id = l.user_id
join music.recommended_tracks r on r.user_id = u.id and r.rank <= 3
join music.tracks t on t.id = r.track_id
left join music.tracks because on because.id = r.because_track_id
order by listener, u.id, r.rank
