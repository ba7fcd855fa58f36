-- The newest versions of each blob, as many as its asset keeps; the published one, which is among them, stands in assets.blob.
create table assets.blob_version (
  asset text not null,
  -- '' for an asset without partitions
  partition text not null,
  version text not null,
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  size bigint not null check (size >= 0),
  manifest text not null, -- canonical JSON
  -- of its last publish, by which versions are ordered: one that is published again is the newest again
  position bigint generated always as identity,
  -- as the writer's clock had it
  published_at text not null,
  run_id text not null,
  primary key (asset, partition, version)
);

insert into assets.blob_version (asset, partition, version, sha256, size, manifest, published_at, run_id)
  select b.asset, b.partition, b.version, b.sha256, b.size, b.manifest, s.materialized_at, s.run_id
  from assets.blob b join assets.asset_state s on s.asset = b.asset and s.partition = b.partition
  order by s.changed_position;
