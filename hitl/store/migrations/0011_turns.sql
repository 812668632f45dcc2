-- Among equally urgent ones the next is who has the lowest turn: a post of an author who sends faster than others has a
-- higher one. Decisions and appeals have none.
alter table commands add column turn smallint not null default 0;
drop index commands_ready;
create index commands_ready on commands (priority desc, turn, command_id) where state = 'ready';
