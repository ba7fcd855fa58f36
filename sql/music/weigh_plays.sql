-- One row per (user, track) that are both still shown by the API: plays over all days, the last day, and a weight in
-- which a play loses half its worth every 30 days before the newest day. No parameters.
select
  h.user_id,
  h.track_id,
  count(*)::integer as plays,
  max(h.day) as last_day,
  -- Summed in a fixed order and rounded to 12 digits, so that equal plays always give equal weights.
  to_char(sum(power(0.5::double precision, (newest.day - h.day) / 30.0::double precision) order by h.day), '9.99999999999EEEE')::double precision as weight
from music.listen_history h
cross join (select max(day) as day from music.listen_history) newest
join music.users u on u.id = h.user_id and u.removed_at is null
join music.tracks t on t.id = h.track_id and t.removed_at is null
group by h.user_id, h.track_id
