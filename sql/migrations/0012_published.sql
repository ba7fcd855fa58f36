-- Who serves what assets publish is told of each publish, in its transaction.

-- Assets whose publishes somebody wants to hear of. A transaction that notifies holds a lock until its commit is on disk,
-- so that commits wait for each other: with 16 at a time a step took twice as long. Hence only those of assets named here.
create table assets.followed (
  asset text primary key
);

create function assets.tell_published() returns trigger language plpgsql as $$
begin
  if exists (select from assets.followed f where f.asset = new.asset) then
    perform pg_notify('assets_published', new.asset);
  end if;
  return null;
end
$$;

-- One event a publish, however many slices it covers; what was only verified has not changed.
create trigger event_log_published after insert on assets.event_log for each row
  when (new.tag in ('AssetMaterialized', 'AssetObserved', 'AssetWiped')) execute function assets.tell_published();
