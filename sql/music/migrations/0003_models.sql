-- Models that were rolled back: the champion is none of them again unless somebody promotes it.
create table music.model_rollback (
  version text primary key,
  -- sha256 of the file: fitted again with another manifest it is the same model
  digest text not null,
  rolled_back_at timestamptz not null default now()
);
create index model_rollback_digest on music.model_rollback (digest);
