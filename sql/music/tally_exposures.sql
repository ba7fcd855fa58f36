-- What came of an experiment ($1), by arm (null: users who were in several): of the clicks and the exposures of each user the sums,
-- the sums of squares and of products; and the same of the places left to chance, each weighed by its inverse propensity.
--
-- A click is one on what was shown last at its place before it, and several on the same are one. Who tells of it may have a clock that is
-- a minute behind.
with exposed as materialized (
  select * from music.exposure where experiment = $1
), clicked as (
  select distinct on (f.user_id, f.track_id, f.at) e.user_id, e.track_id, e.position, e.as_of
  from music.feedback f
  join exposed e on e.user_id = f.user_id and e.track_id = f.track_id and e.position = f.position
    and e.at <= f.at + interval '1 minute'
  where f.kind = 'click'
  order by f.user_id, f.track_id, f.at, e.at desc
), outcome as (
  select e.user_id, e.arm, e.origin = 'explored' as explored, 1 / e.propensity as weight,
    exists (
      select from clicked c
      where c.user_id = e.user_id and c.track_id = e.track_id and c.position = e.position and c.as_of = e.as_of
    ) as clicked
  from exposed e
), by_user as (
  select case when min(arm) = max(arm) then min(arm) end as arm,
    count(*)::float8 as shown,
    (count(*) filter (where clicked))::float8 as clicked,
    count(*) filter (where explored) as explored,
    count(*) filter (where explored and clicked) as explored_clicked,
    coalesce(sum(weight) filter (where explored), 0) as weight,
    coalesce(sum(weight) filter (where explored and clicked), 0) as weight_clicked
  from outcome group by user_id
)
select arm,
  json_build_object('users', count(*), 'shown', sum(shown), 'clicked', sum(clicked), 'shownSquared', sum(shown * shown),
    'clickedSquared', sum(clicked * clicked), 'product', sum(shown * clicked)) as clicks,
  json_build_object('users', count(*) filter (where explored > 0), 'shown', sum(weight), 'clicked', sum(weight_clicked),
    'shownSquared', sum(weight * weight), 'clickedSquared', sum(weight_clicked * weight_clicked),
    'product', sum(weight * weight_clicked)) as weighed,
  sum(explored)::float8 as explored,
  sum(explored_clicked)::float8 as explored_clicked
from by_user group by arm order by arm
