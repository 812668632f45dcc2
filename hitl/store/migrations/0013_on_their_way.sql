-- An action's status changes four times, and each change wrote to every index of its table, since their predicates
-- named it (see migration 7). Who is on its way to a target has a row of its own now, which is there as long as the
-- status says so, whoever writes that: still one at a time.
create table on_their_way (
    tenant_id text not null default 'default',
    target text not null,
    primary key (tenant_id, target)
);
create function one_on_its_way() returns trigger language plpgsql as $$
begin
    if new.status = 'sending' then
        insert into on_their_way (tenant_id, target) values (new.tenant_id, new.target);
    else
        delete from on_their_way where tenant_id = new.tenant_id and target = new.target;
    end if;
    return null;
end $$;
-- Nobody sets out or ends between the look at those on their way and the triggers. Whoever changes an action has locked
-- its case before: in that order nobody waits for us whom we wait for.
lock table cases, actions;
insert into on_their_way (tenant_id, target) select tenant_id, target from actions where status = 'sending';
create trigger actions_sent after update on actions for each row
    when ((old.status = 'sending') <> (new.status = 'sending')) execute function one_on_its_way();
create trigger actions_sent_at_once after insert on actions for each row
    when (new.status = 'sending') execute function one_on_its_way();
drop index actions_one_on_its_way;
-- Whether a person has to look at an action, its case says; nearly none needs it.
drop index actions_unsettled;
create index cases_needing_attention on cases (case_id) where needs_attention;
