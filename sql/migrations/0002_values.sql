-- Where values are kept: staging of tables, JSON values, and what is known of blobs.

-- Tables of the schema are named `<run id>:<random>`, so that whoever closes a dead run can drop what it left.
create schema assets_staging;

create table assets.json_value (
  asset text not null,
  -- '' for an asset without partitions
  partition text not null,
  version text not null,
  value text not null, -- canonical JSON; text because jsonb would change numbers and order
  primary key (asset, partition)
);

create table assets.blob (
  asset text not null,
  -- '' for an asset without partitions
  partition text not null,
  version text not null,
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  size bigint not null check (size >= 0),
  manifest text not null, -- canonical JSON
  primary key (asset, partition)
);

create index blob_sha256 on assets.blob (sha256);
