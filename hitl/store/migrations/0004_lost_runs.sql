-- How often in a row a run of the command was lost together with its process: who may be the cause runs alone.
alter table commands add column lost int not null default 0;
