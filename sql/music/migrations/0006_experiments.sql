-- What users were answered under experiments, once however often the same answer was given. One row an answer: with a row for each of
-- ten places, whose user was looked up each time, an answer took 0.3 ms to record, nearly as long as to give.
create table music.answer (
  user_id bigint not null references music.users on delete cascade,
  -- the X-As-Of and the X-Model-Version of the answer
  as_of timestamptz not null,
  model_version text not null,
  -- by experiment
  arms jsonb not null,
  -- by place
  tracks bigint[] not null check (cardinality(tracks) > 0),
  origins text[] not null check (cardinality(origins) = cardinality(tracks)),
  -- how likely just this track was at its place, given the user's arms and the places before
  propensities double precision[] not null check (cardinality(propensities) = cardinality(tracks)),
  -- when it was given first
  at timestamptz not null,
  primary key (user_id, as_of, arms, tracks),
  check (0 < all (propensities) and 1 >= all (propensities))
);

-- What users were shown under experiments: a longer answer of the same moment shows its first places again.
create view music.exposure as
  select distinct on (a.user_id, assigned.experiment, assigned.arm, shown.position, shown.track_id, a.as_of)
    a.user_id, assigned.experiment, assigned.arm, shown.position::integer, shown.track_id, shown.origin, shown.propensity,
    a.as_of, a.model_version, a.at
  from music.answer a
  cross join lateral jsonb_each_text(a.arms) assigned (experiment, arm)
  cross join lateral unnest(a.tracks, a.origins, a.propensities)
    with ordinality shown (track_id, origin, propensity, position)
  order by a.user_id, assigned.experiment, assigned.arm, shown.position, shown.track_id, a.as_of, a.at;
