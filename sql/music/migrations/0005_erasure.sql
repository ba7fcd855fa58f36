-- Who asked to be erased, so that the source's listings do not bring him back.

-- One row: 244 random bits. Without it a hash tells nothing, though ids are few enough to try them all.
create table music.erasure_key (
  is_only boolean primary key default true check (is_only),
  key text not null
);
insert into music.erasure_key (key) values (gen_random_uuid()::text || gen_random_uuid()::text);

create table music.erased (
  -- HMAC-SHA256 of the id, in hexadecimal
  user_hash text primary key,
  erased_at timestamptz not null default now()
);
