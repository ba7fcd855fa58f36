-- Records listens, all of them or, where a user or a track is unknown, none. $1: [{user_id, track_id, listened_at}] as JSON.
-- Answers how many were not there yet, and the places (from 0) of those that name something unknown.
with posted as (
  select p.*, (e.n - 1)::integer as place
  from json_array_elements($1::text::json) with ordinality e (item, n)
  cross join lateral json_to_record(e.item) p (user_id bigint, track_id bigint, listened_at timestamptz)
), unknown as (
  select p.place, u.id is null as is_user, p.user_id, p.track_id
  from posted p
  left join music.users u on u.id = p.user_id and u.removed_at is null
  left join music.tracks t on t.id = p.track_id
  where u.id is null or t.id is null
), recorded as (
  insert into music.posted_listen (user_id, track_id, listened_at)
  select user_id, track_id, listened_at from posted where not exists (select from unknown)
  on conflict do nothing returning 1
)
select (select count(*) from recorded)::integer as recorded,
  (select json_agg(u order by u.place) from unknown u) as unknown
