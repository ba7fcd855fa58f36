-- What the service is told and whom it answers. What listeners do goes with them.

-- Heard and told of here, whether or not the source lists it too. Telling it twice is telling it once.
create table music.posted_listen (
  user_id bigint not null references music.users on delete cascade,
  track_id bigint not null references music.tracks on delete cascade,
  listened_at timestamptz not null,
  received_at timestamptz not null default now(),
  primary key (user_id, track_id, listened_at)
);
create index posted_listen_track on music.posted_listen (track_id);

create table music.feedback (
  user_id bigint not null references music.users on delete cascade,
  track_id bigint not null references music.tracks on delete cascade,
  kind text not null check (kind in ('impression', 'click')),
  at timestamptz not null,
  -- where it was shown, from 1
  position integer not null check (position >= 1),
  -- the X-Model-Version of the answer that it was shown for
  model_version text not null,
  received_at timestamptz not null default now(),
  primary key (user_id, track_id, kind, at)
);
create index feedback_track on music.feedback (track_id);

-- The keys themselves are nowhere: they have 256 random bits, so that a plain digest of them tells nothing.
create table music.api_key (
  id text primary key,
  name text not null,
  scopes text[] not null check (scopes <@ array['read', 'write', 'admin'] and cardinality(scopes) > 0),
  digest text not null unique,
  created_at timestamptz not null default now(),
  revoked_at timestamptz
);

-- The newest days of a track's listens.
create index listen_history_track_day on music.listen_history (track_id, day desc);
