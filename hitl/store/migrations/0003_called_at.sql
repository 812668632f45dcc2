-- When a call was last begun: only a while later does "never heard of it" mean that it will not arrive any more.
alter table actions add column called_at timestamptz;
