-- The features, packed into few rows of columns: ids as int8, plays as int4. In 256 parts, as a row holds 16 MiB at most. No parameters.
select
  string_agg(int8send(f.user_id), '') as users,
  string_agg(int8send(f.track_id), '') as tracks,
  string_agg(int4send(f.plays), '') as plays
from music.features f
group by f.user_id % 256
