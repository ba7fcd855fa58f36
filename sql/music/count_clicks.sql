-- How many impressions there were for one version of the champion and for the other one that was shown last, and on how many of them somebody
-- clicked, day by day (UTC) in order. The day of the newest feedback is left out: clicks come after what they are on. An impression was
-- clicked on if its user clicked on the track before it was shown to him again.
-- $1: the version.
with newest as (
  select date_trunc('day', max(at), 'UTC') as day from music.feedback
), compared as (
  select $1::text as model_version
  union all
  (select f.model_version from music.feedback f, newest
  where f.kind = 'impression' and f.model_version <> $1 and f.at < newest.day
  order by f.at desc limit 1)
), told as (
  select f.model_version, f.kind, f.at,
    -- an impression before a click of the same moment
    lead(f.kind) over (partition by f.model_version, f.user_id, f.track_id order by f.at, f.kind desc) as next
  from music.feedback f
  join compared using (model_version)
)
select t.model_version as version, count(*)::float8 as shown, count(*) filter (where t.next = 'click')::float8 as clicked
from told t, newest
where t.kind = 'impression' and t.at < newest.day
group by t.model_version, date_trunc('day', t.at, 'UTC')
order by date_trunc('day', t.at, 'UTC')
