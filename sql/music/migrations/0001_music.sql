-- The tables of the music recommender. The runtime fills them; foreign keys, indexes and views are the project's own.

create schema music;

create table music.users (
  id bigint primary key,
  first_name text not null,
  last_name text not null,
  email text not null,
  gender text not null,
  favorite_genres text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  first_seen_at timestamptz not null default now(),
  removed_at timestamptz,
  run_id text not null
);

create table music.tracks (
  id bigint primary key,
  name text not null,
  artist text not null,
  songwriters text not null,
  duration text not null,
  genres text not null,
  album text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  first_seen_at timestamptz not null default now(),
  removed_at timestamptz,
  run_id text not null
);

create table music.listen_history (
  day date not null,
  user_id bigint not null references music.users on delete cascade,
  position integer not null,
  track_id bigint not null references music.tracks on delete cascade,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (day, user_id, position)
);
create index listen_history_user on music.listen_history (user_id);
create index listen_history_track on music.listen_history (track_id);

create table music.features (
  user_id bigint not null references music.users on delete cascade,
  track_id bigint not null references music.tracks on delete cascade,
  plays integer not null,
  last_day date not null,
  weight double precision not null,
  primary key (user_id, track_id)
);
create index features_track on music.features (track_id);

create view music.user_features as
  select user_id, count(*)::integer as tracks, sum(plays)::integer as plays, max(last_day) as last_day
  from music.features group by user_id;

create view music.track_features as
  select track_id, count(*)::integer as users, sum(plays)::integer as plays, max(last_day) as last_day
  from music.features group by track_id;

create table music.recommendations (
  user_id bigint not null references music.users on delete cascade,
  rank integer not null check (rank between 1 and 15),
  track_id bigint not null references music.tracks on delete cascade,
  score double precision not null,
  because_track_id bigint references music.tracks on delete cascade,
  model_version text not null,
  primary key (user_id, rank),
  unique (user_id, track_id)
);
create index recommendations_track on music.recommendations (track_id);
create index recommendations_because on music.recommendations (because_track_id);
