-- A case's row changes a dozen times. While no index looks at what changes, Postgres keeps the new version on the same
-- page and touches no index at all (a heap-only tuple): so none looks at status or updated_at, and pages have room.
alter table cases set (fillfactor = 60);
alter table actions set (fillfactor = 80);
alter table checkpoint_heads set (fillfactor = 70);
drop index cases_by_status;
create index cases_failed on cases (tenant_id, case_id desc) where error is not null;
create index cases_parked on cases (tenant_id, case_id desc) where parked_from is not null;
create index reviews_waiting on reviews (tenant_id, case_id desc) where status in ('open', 'blocked');
drop index cases_to_clear;
create index cases_to_clear on cases (created_at) where cleared < round;
-- What a unique index on (case_id, ...) finds as well.
drop index reviews_of_case;
