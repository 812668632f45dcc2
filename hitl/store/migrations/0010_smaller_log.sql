-- Postgres logs of a changed row what lies between its first and its last changed byte: what changes of a review comes
-- last, behind what it asks, or each decision would log that once more.
drop index reviews_open;
drop index reviews_waiting;
drop index reviews_undecided;
alter table reviews rename column status to status_before;
alter table reviews rename column closed_at to closed_at_before;
alter table reviews add column closed_at timestamptz, add column status text;
update reviews set closed_at = closed_at_before, status = status_before;
alter table reviews drop column status_before, drop column closed_at_before;
alter table reviews alter column status set not null;
alter table reviews add check (status in ('open', 'decided', 'superseded', 'expired', 'blocked'));
alter table reviews add check ((status in ('open', 'blocked')) = (closed_at is null));
create index reviews_open on reviews (tenant_id, opened_at) where status in ('open', 'blocked');
create index reviews_waiting on reviews (tenant_id, case_id desc) where status in ('open', 'blocked');
create index reviews_undecided on reviews (review_id) where status in ('open', 'blocked');
-- Of a case's commands those are looked for that are unfinished, which has an index, or that failed or settle, which is
-- rare: an index of all of them was written to at each change of each.
drop index commands_of_case;
create index commands_failed on commands (case_id, command_id) where state = 'failed';
create index commands_settling on commands (case_id) where kind = 'settle' and state = 'claimed';
