-- Postgres reads a check's expression anew for each statement that writes to its table, and evaluates all of a table's
-- at each change of a row. A domain's are read once per connection, and evaluated where such a value is written: so the
-- words that a column may hold are domains. They begin without a check, since columns become theirs without being
-- rewritten then, and get it afterwards, which looks at each value once.
create domain case_status as text;
create domain case_outcome as text;
create domain urgency as smallint;
create domain review_status as text;
create domain vote_choice as text;
create domain decision_kind as text;
create domain action_status as text;
create domain action_direction as text;
create domain action_key as text;
create domain actor_kind as text;
create domain command_kind as text;
create domain command_state as text;

alter table cases
    drop constraint cases_status_check, alter column status type case_status,
    drop constraint cases_outcome_check, alter column outcome type case_outcome,
    drop constraint cases_priority_check, alter column priority type urgency,
    drop constraint cases_version_check, drop constraint cases_round_check,
    drop constraint cases_check, drop constraint cases_check1, drop constraint cases_check2;
alter table cases add check (version > 0 and round > 0 and (status = 'completed') = (outcome is not null)
    and (status = 'failed') = (error is not null) and (status = 'needs_migration') = (parked_from is not null));
alter table reviews drop constraint reviews_status_check, alter column status type review_status,
    drop constraint reviews_round_check, drop constraint reviews_level_check, drop constraint reviews_quorum_check;
alter table reviews add check (round > 0 and level between 1 and 2 and quorum > 0);
alter table votes drop constraint votes_choice_check, alter column choice type vote_choice;
alter table actions
    drop constraint actions_status_check, alter column status type action_status,
    drop constraint actions_direction_check, alter column direction type action_direction,
    drop constraint actions_check, drop constraint actions_check1, alter column key type action_key;
alter table actions add check (starts_with(key, action_id::text) and (direction = 'reverse') = (reverses is not null));
alter table forum_actions drop constraint forum_actions_direction_check, alter column direction type action_direction;
alter table events drop constraint events_actor_kind_check, alter column actor_kind type actor_kind;
alter table commands
    drop constraint commands_kind_check, alter column kind type command_kind,
    drop constraint commands_state_check, alter column state type command_state,
    drop constraint commands_priority_check, alter column priority type urgency,
    drop constraint commands_check, drop constraint commands_check1;
alter table commands add check ((state = 'done' or state = 'failed') = (finished_at is not null)
    and (state <> 'claimed' or (owner is not null and lease_until is not null)));
alter table decisions drop constraint decisions_decision_check, alter column decision type decision_kind;

alter domain case_status add check (value in ('received', 'analyzing', 'waiting_review', 'executing', 'completed',
    'rolling_back', 'failed', 'needs_migration'));
alter domain case_outcome add check (value in ('allowed', 'actioned', 'kept', 'answered', 'superseded'));
alter domain urgency add check (value between 0 and 9);
alter domain review_status add check (value in ('open', 'decided', 'superseded', 'expired', 'blocked'));
alter domain vote_choice add check (value in ('approve', 'edit', 'reject', 'respond'));
alter domain decision_kind add check (value in ('approve', 'edit', 'reject', 'respond', 'expired', 'cancelled'));
alter domain action_status add check (value in ('planned', 'sending', 'applied', 'refused', 'unknown', 'reversed',
    'conflict', 'irreversible', 'reversal_incomplete'));
alter domain action_direction add check (value in ('forward', 'reverse'));
alter domain action_key add check (value ~ '^[0-9a-f-]{36}:[0-9]+$');
alter domain actor_kind add check (value in ('person', 'machine'));
alter domain command_kind add check (value in ('start', 'resume', 'rollback', 'settle'));
alter domain command_state add check (value in ('ready', 'published', 'claimed', 'done', 'failed'));

-- A new round changed a column that an index of cases looks at, and so wrote to all six of them. Whatever happens to a
-- case now says that its checkpoints are to be cleared once more, and the index looks at that alone.
drop index cases_to_clear;
update cases set cleared = 0 where cleared > 0 and cleared < round;
create index cases_to_clear on cases (created_at) where cleared = 0;
-- What repeats another: numbers that Postgres alone gives are unique, and open reviews have two more indexes.
alter table forum_actions drop constraint forum_actions_number_key;
drop index reviews_open;
-- Each claim asks whether a settling of the case is unfinished, not only whether one is being carried out.
drop index commands_settling;
create index commands_settling on commands (case_id)
    where kind = 'settle' and state in ('ready', 'published', 'claimed');
