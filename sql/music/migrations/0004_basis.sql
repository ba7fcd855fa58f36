-- What a user's recommendations follow from, as a digest: as long as it is the same they stay. Those there are follow from nothing known.
alter table music.recommendations add column basis text not null default '';
alter table music.recommendations alter column basis drop default;
