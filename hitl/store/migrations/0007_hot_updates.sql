-- A case's row changes a dozen times. While no index looks at what changes, Postgres keeps the new version on the same
-- page and touches no index at all (a heap-only tuple): so none looks at status or updated_at, and pages have room.
-- Where rows must move in an index, room on the page still keeps the log of a change to what changed.
alter table cases set (fillfactor = 60);
alter table reviews set (fillfactor = 50);
alter table actions set (fillfactor = 60);
alter table commands set (fillfactor = 50);
alter table checkpoint_heads set (fillfactor = 60);
drop index cases_by_status;
create index cases_failed on cases (tenant_id, case_id desc) where error is not null;
create index cases_parked on cases (tenant_id, case_id desc) where parked_from is not null;
create index reviews_waiting on reviews (tenant_id, case_id desc) where status in ('open', 'blocked');
drop index cases_to_clear;
create index cases_to_clear on cases (created_at) where cleared < round;
-- What a unique index on (case_id, ...) finds as well.
drop index reviews_of_case;
-- Who holds an aspect, and who touched it last: both are asked of every call, and only one of them had an index.
drop index actions_holds;
create index actions_on_target on actions (tenant_id, target, aspect) where direction = 'forward';
-- A key is its action's id with the number of its try, and as unique as that.
alter table actions drop constraint actions_key_key;
alter table actions add check (key ~ '^[0-9a-f-]{36}:[0-9]+$' and starts_with(key, action_id::text));
