-- Where a thread's graph stands at its head, as the run that moved it there knew: what it is paused at, or that it has
-- finished. Null while a run is under way: then LangGraph is asked.
alter table checkpoint_heads add column state jsonb;
