-- A row a user, which is how recommendations are computed and asked for. With a row for each of their tracks, 100,000 users took 45 s to
-- publish: four indexes, and three foreign keys that are checked row by row. Checks of the asset see to the tracks.

create table music.recommendation_lists as
  select user_id, json_agg(json_build_array(track_id, score, because_track_id) order by rank) as items,
    max(model_version) as model_version,
    -- computed from nothing known, so computed again
    '' as basis
  from music.recommendations group by user_id;
drop table music.recommendations;
alter table music.recommendation_lists rename to recommendations;
alter table music.recommendations
  alter column items set not null,
  alter column model_version set not null,
  alter column basis set not null,
  add primary key (user_id),
  add foreign key (user_id) references music.users on delete cascade;

-- For people and other programs.
create view music.recommended_tracks as
  select r.user_id, listed.rank::integer,
    (item->>0)::bigint as track_id,
    (item->>1)::double precision as score,
    (item->>2)::bigint as because_track_id,
    r.model_version
  from music.recommendations r cross join lateral json_array_elements(r.items) with ordinality listed (item, rank);
