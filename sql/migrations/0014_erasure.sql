-- Erasure: rows that must go from what is published, with the versions, the claims and the texts that go with them.

alter table assets.step drop constraint step_status_check, add constraint step_status_check check (
  status in (
    'Running', 'Materialized', 'Verified', 'Observed', 'CutOff', 'Skipped', 'Failed', 'Canceled', 'Interrupted', 'Wiped',
    'Erased'
  )
);

-- Takes the claims on all slices of these assets: whoever computes one has lost it when this commits. Waits for publishes
-- under way, which hold their lease.
create function assets.fence(_assets text[]) returns void language sql as $$
  with held as materialized (
    select l.asset, l.partition from assets.lease l where l.asset = any (_assets) order by l.asset, l.partition for update
  )
  -- Who lost one renews it no more but lives: a lease that runs out would end his session.
  update assets.lease l set epoch = l.epoch + 1, expires_at = clock_timestamp() + interval '1 hour'
    from held h where l.asset = h.asset and l.partition = h.partition
$$;

-- Records slices that rows were erased from. Of each value all else stays: what it was made from, when and by which run.
create function assets.record_erased(_events jsonb[]) returns void language sql as $$
  with appended as (
    insert into assets.event_log (run_id, asset, partition, tag, event)
    select e ->> 'runId', e ->> 'asset', e ->> 'partition', e ->> '_tag', e from unnest(_events) with ordinality u (e, n) order by n
    returning position, run_id, asset, coalesce(partition, '') as partition, event
  ), state as (
    update assets.asset_state s set
      data_version = a.event ->> 'dataVersion', rows = (a.event ->> 'rows')::bigint, changed_position = a.position,
      -- Of a slice that was published with others, it is found by the position that changes here.
      metadata = coalesce((select r.metadata from assets.range_value r where r.position = s.changed_position), s.metadata)
    from appended a where s.asset = a.asset and s.partition = a.partition
  )
  insert into assets.step as s (run_id, asset, partition, status, attempts, ended_at)
    select run_id, asset, partition, 'Erased', 0, event ->> 'at' from appended
    on conflict (run_id, asset, partition) do update set
      status = excluded.status, ended_at = excluded.ended_at, error = null
$$;

-- Only redact_events may change what is recorded, and only in the transaction of an erasure.
create or replace function assets.refuse_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and current_setting('assets.redacting', true) = 'on' then return null; end if;
  raise exception 'assets.event_log is append-only: % refused', tg_op using errcode = 'restrict_violation';
end
$$;

-- Takes out of the events of these assets what may quote rows: what errors say, why checks failed, samples they took.
-- Numbers stay.
create function assets.redact_events(_assets text[]) returns void language plpgsql as $$
declare
  _words constant text := 'removed by an erasure';
begin
  perform set_config('assets.redacting', 'on', true);
  update assets.event_log l set event = l.event || jsonb_build_object('metadata', coalesce((
      select jsonb_object_agg(m.key, m.value) from jsonb_each(l.event -> 'metadata') m where jsonb_typeof(m.value) in ('number', 'boolean')
    ), '{}')) || case when l.tag = 'CheckFailed' then jsonb_build_object('reason', _words) else '{}' end
    where l.asset = any (_assets) and l.tag in ('CheckPassed', 'CheckFailed')
      and (
        exists (select from jsonb_each(l.event -> 'metadata') m where jsonb_typeof(m.value) not in ('number', 'boolean'))
        or (l.tag = 'CheckFailed' and l.event ->> 'reason' <> _words)
      );
  update assets.event_log l set event = jsonb_set(l.event, '{error,message}', to_jsonb(_words))
    where l.asset = any (_assets) and l.tag in ('StepRetried', 'StepFailed') and l.event #>> '{error,message}' <> _words;
  perform set_config('assets.redacting', '', true);
  update assets.step s set error = jsonb_set(s.error, '{message}', to_jsonb(_words))
    where s.asset = any (_assets) and s.error ->> 'message' <> _words;
end
$$;

-- Services that made something of a value make it anew.
drop trigger event_log_published on assets.event_log;
create trigger event_log_published after insert on assets.event_log for each row
  when (new.tag in ('AssetMaterialized', 'AssetObserved', 'AssetWiped', 'AssetErased'))
  execute function assets.tell_published();
