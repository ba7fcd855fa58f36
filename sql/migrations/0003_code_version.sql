-- What computed code versions were made from, so that one can tell what changed since: never read to decide anything.

create table assets.code_version (
  version text primary key,
  manifest jsonb not null
);
