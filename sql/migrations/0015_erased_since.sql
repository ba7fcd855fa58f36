-- Who read rows before they were erased may quote them after. What a run that began before tells of the assets they could be seen in is
-- recorded without its texts, and what it sets aside of them is not kept.

-- Of each asset where in the log the last erasure stands that took rows out of it, or of what it is made from.
create table assets.last_erasure (
  asset text primary key,
  position bigint not null
);

-- Whether the run began before such an erasure. One that is under way is waited for, and waits for whoever asked.
create function assets.may_quote_erased(_run_id text, _asset text) returns boolean language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(7209);
  return exists (
    select from assets.last_erasure e
    where e.asset = _asset and e.position > (select min(l.position) from assets.event_log l where l.run_id = _run_id)
  );
end
$$;

-- The event of a step or a check without what may quote rows: what an error says, why a check failed, samples. Numbers stay.
create function assets.redacted(_event jsonb) returns jsonb language sql immutable as $$
  select case
    when _event ? 'error' then jsonb_set(_event, '{error,message}', to_jsonb('removed by an erasure'::text))
    else _event || jsonb_build_object('metadata', coalesce((
        select jsonb_object_agg(m.key, m.value) from jsonb_each(_event -> 'metadata') m where jsonb_typeof(m.value) in ('number', 'boolean')
      ), '{}')) || case when _event ? 'reason' then jsonb_build_object('reason', 'removed by an erasure') else '{}' end
  end
$$;

create function assets.redact_new_event() returns trigger language plpgsql as $$
begin
  if assets.may_quote_erased(new.run_id, new.asset) then new.event := assets.redacted(new.event); end if;
  return new;
end
$$;
create trigger event_log_redacted before insert on assets.event_log for each row
  when (new.tag in ('StepRetried', 'StepFailed', 'CheckPassed', 'CheckFailed'))
  execute function assets.redact_new_event();

create function assets.redact_new_error() returns trigger language plpgsql as $$
begin
  if assets.may_quote_erased(new.run_id, new.asset) then
    new.error := jsonb_set(new.error, '{message}', to_jsonb('removed by an erasure'::text));
  end if;
  return new;
end
$$;
create trigger step_redacted before insert or update of error on assets.step for each row
  when (new.error is not null)
  execute function assets.redact_new_error();

create function assets.refuse_quote() returns trigger language plpgsql as $$
begin
  return case when assets.may_quote_erased(new.run_id, new.asset) then null else new end;
end
$$;
create trigger quarantine_redacted before insert on assets.quarantine for each row execute function assets.refuse_quote();

-- Takes out of what is recorded of these assets whatever may quote rows, and what was set aside.
create or replace function assets.redact_events(_assets text[]) returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock(7209);
  delete from assets.quarantine where asset = any (_assets);
  perform set_config('assets.redacting', 'on', true);
  update assets.event_log l set event = assets.redacted(l.event)
    where l.asset = any (_assets) and l.tag in ('StepRetried', 'StepFailed', 'CheckPassed', 'CheckFailed')
      and l.event <> assets.redacted(l.event);
  perform set_config('assets.redacting', '', true);
  update assets.step s set error = jsonb_set(s.error, '{message}', to_jsonb('removed by an erasure'::text))
    where s.asset = any (_assets) and s.error ->> 'message' <> 'removed by an erasure';
  -- After every run that can have read the rows.
  insert into assets.last_erasure
    select asset, nextval(pg_get_serial_sequence('assets.event_log', 'position')) from unnest(_assets) asset
    on conflict (asset) do update set position = excluded.position;
end
$$;
