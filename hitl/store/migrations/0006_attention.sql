-- A decided action that the platform refused waits for a person to look at it: to try it again, or to leave it.
alter table actions add column attention boolean not null default false;
-- Up to which round a closed case's checkpoints have been cleared.
alter table cases add column cleared int not null default 0;
create index cases_to_clear on cases (updated_at) where status = 'completed' and cleared < round;
-- Heads belong to their cases' tenants.
update checkpoint_heads h set tenant_id = c.tenant_id from cases c
    where c.case_id::text = h.thread_id and c.tenant_id <> h.tenant_id;
-- What nobody reads.
alter table actions drop column inherited;
drop index analyses_recent;
drop index actions_unsettled;
