-- What operators watch, found without reading tables whole.
create index actions_unsettled on actions (kind, status)
    where status in ('unknown', 'conflict', 'reversal_incomplete') or attention;
create index analyses_unavailable on analyses (analyzer) where unavailable;
