-- Records what users were answered, once however often; of users who are not there any more, nothing.
-- $1: [{user_id, as_of, model_version, at, arms: {experiment: arm}, tracks, origins, propensities}] as JSON, the last three by place.
insert into music.answer (user_id, as_of, model_version, arms, tracks, origins, propensities, at)
select a.user_id, a.as_of, a.model_version, a.arms, a.tracks, a.origins, a.propensities, a.at
from json_to_recordset($1::text::json) a (
  user_id bigint, as_of timestamptz, model_version text, arms jsonb, tracks bigint[], origins text[],
  propensities double precision[], at timestamptz
)
join music.users u on u.id = a.user_id
-- One order for all, so that two services that record the same do not wait for each other in a circle.
order by a.user_id, a.as_of, a.arms, a.tracks
on conflict do nothing
