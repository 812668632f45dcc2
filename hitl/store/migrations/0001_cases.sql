-- The tables of cases, reviews, the ledger, events and commands. What SQL can hold true, it holds.

create table policy_sets (
    tenant_id text not null default 'default',
    name text not null,
    version text not null,
    body jsonb not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, name, version)
);

create table graph_versions (
    tenant_id text not null default 'default',
    name text not null,
    version text not null,
    fingerprint text not null,
    registered_at timestamptz not null default now(),
    primary key (tenant_id, name, version)
);

create table cases (
    case_id uuid primary key,
    tenant_id text not null default 'default',
    content_id text not null,
    author_id text not null,
    started_by text not null,
    graph text not null,
    graph_version text not null,
    policy text not null,
    policy_version text not null,
    status text not null check (status in ('received', 'analyzing', 'waiting_review', 'executing', 'completed',
                                           'rolling_back', 'failed', 'needs_migration')),
    outcome text check (outcome in ('allowed', 'actioned', 'kept', 'answered', 'superseded')),
    parked_from text,
    needs_attention boolean not null default false,
    version bigint not null check (version > 0),
    round int not null default 1 check (round > 0),
    priority smallint not null default 5 check (priority between 0 and 9),
    error jsonb,
    current boolean not null default true,
    supersedes uuid references cases,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    check ((status = 'completed') = (outcome is not null)),
    check ((status = 'failed') = (error is not null)),
    check ((status = 'needs_migration') = (parked_from is not null))
);
-- A piece of content has one current case: two posts of it at once meet here.
create unique index cases_current on cases (tenant_id, content_id) where current;
create index cases_newest on cases (tenant_id, case_id desc);
create index cases_by_status on cases (tenant_id, status, case_id desc);
create index cases_by_starter on cases (tenant_id, started_by, case_id desc);
create index cases_by_author on cases (tenant_id, author_id, case_id desc);

-- What people wrote, apart from everything else, so that it can be erased.
create table contents (
    case_id uuid primary key references cases,
    tenant_id text not null default 'default',
    body text not null,
    context jsonb not null default '{}',
    sha256 bytea not null
);

-- Analysis once: the first verdict of a (case, round) wins and is read back.
create table analyses (
    case_id uuid not null references cases,
    round int not null,
    tenant_id text not null default 'default',
    suspect boolean not null,
    unavailable boolean not null,
    sampled boolean not null default false,
    sensitive boolean not null default false,
    urgency smallint not null default 0,
    categories jsonb not null,
    rationale text not null,
    to_people text,
    analyzer text not null,
    latency_ms int not null,
    usage jsonb not null default '{}',
    proposals jsonb not null,
    created_at timestamptz not null default now(),
    primary key (case_id, round)
);
create index analyses_recent on analyses (tenant_id, created_at);

create table reviews (
    review_id uuid primary key,
    tenant_id text not null default 'default',
    case_id uuid not null references cases,
    interrupt_id text not null,
    round int not null check (round > 0),
    level smallint not null check (level between 1 and 2),
    status text not null check (status in ('open', 'decided', 'superseded', 'expired', 'blocked')),
    choices jsonb not null,
    form jsonb,
    proposed_actions jsonb not null,
    allowed_actions jsonb not null default '[]',
    digest text not null,
    quorum smallint not null default 1 check (quorum > 0),
    opened_at timestamptz not null default now(),
    deadline_at timestamptz,
    closed_at timestamptz,
    unique (case_id, interrupt_id),
    check ((status in ('open', 'blocked')) = (closed_at is null))
);
create index reviews_of_case on reviews (case_id, round);
create index reviews_open on reviews (tenant_id, opened_at) where status in ('open', 'blocked');

create table votes (
    review_id uuid not null references reviews,
    person text not null,
    tenant_id text not null default 'default',
    choice text not null check (choice in ('approve', 'edit', 'reject', 'respond')),
    body jsonb not null,
    at timestamptz not null default now(),
    primary key (review_id, person)
);

create table decisions (
    decision_id uuid primary key,
    tenant_id text not null default 'default',
    case_id uuid not null references cases,
    review_id uuid not null unique references reviews,
    round int not null,
    decision text not null check (decision in ('approve', 'edit', 'reject', 'respond', 'expired', 'cancelled')),
    decided_by text not null,
    decided_at timestamptz not null default now(),
    reason text,
    private_note text,
    response text,
    policies jsonb not null,
    actions jsonb not null,
    digest text not null
);
create index decisions_of_case on decisions (case_id, round);

create function decision_never_changes() returns trigger language plpgsql as $$
begin
    if (to_jsonb(new) - '{reason,private_note,response}'::text[])
       is distinct from (to_jsonb(old) - '{reason,private_note,response}'::text[]) then
        raise exception 'a decision is written once and never changed';
    end if;
    return new;
end $$;
create trigger decisions_immutable before update on decisions
    for each row execute function decision_never_changes();

create table appeals (
    appeal_id uuid primary key,
    tenant_id text not null default 'default',
    case_id uuid not null references cases,
    round int not null,
    decision_id uuid references decisions,
    kind text not null check (kind in ('appeal', 'order')),
    on_appeal text not null check (on_appeal in ('reverse', 'hold')),
    by_person text not null,
    reason text not null,
    at timestamptz not null default now(),
    unique (case_id, round)
);

-- The ledger: every attempt to touch the world, forward and back.
create table actions (
    action_id uuid primary key,
    tenant_id text not null default 'default',
    case_id uuid not null references cases,
    decision_id uuid references decisions,
    round int not null,
    ordinal smallint not null,
    direction text not null check (direction in ('forward', 'reverse')),
    reverses uuid references actions,
    kind text not null,
    target text not null,
    aspect text not null,
    params jsonb not null,
    reversible boolean not null,
    status text not null check (status in ('planned', 'sending', 'applied', 'refused', 'unknown', 'reversed',
                                           'conflict', 'irreversible', 'reversal_incomplete')),
    key text not null unique,
    tries int not null default 0,
    called boolean not null default false,
    inherited boolean not null default false,
    overwrite boolean not null default false,
    before jsonb,
    after jsonb,
    reference text,
    error text,
    planned_at timestamptz not null default now(),
    sent_at timestamptz,
    applied_at timestamptz,
    reversed_at timestamptz,
    check ((direction = 'reverse') = (reverses is not null)),
    unique (case_id, round, direction, ordinal)
);
-- Effects on one target are serialized: only one of them can be on its way.
create unique index actions_one_on_its_way on actions (tenant_id, target) where status = 'sending';
-- A forward action is reversed by one row only, however often that is tried.
create unique index actions_one_reversal on actions (reverses) where reverses is not null;
-- Applied actions hold on to an aspect of their target.
create index actions_holds on actions (tenant_id, target, aspect)
    where direction = 'forward' and status in ('applied', 'conflict', 'reversal_incomplete');
create index actions_unsettled on actions (tenant_id) where status in ('unknown', 'conflict', 'reversal_incomplete');

-- How people ended what the machine could not.
create table settlements (
    settlement_id bigint generated always as identity primary key,
    tenant_id text not null default 'default',
    action_id uuid not null references actions,
    person text not null,
    outcome text not null check (outcome in ('happened', 'did_not_happen', 'retry', 'overwrite', 'leave')),
    reason text not null,
    at timestamptz not null default now()
);
create index settlements_of_action on settlements (action_id);

create table events (
    case_id uuid not null references cases,
    seq bigint not null check (seq > 0),
    tenant_id text not null default 'default',
    type text not null,
    at timestamptz not null default now(),
    actor_kind text not null check (actor_kind in ('person', 'machine')),
    actor_id text not null,
    before text,
    after text,
    data jsonb not null default '{}',
    tx xid8 not null default pg_current_xact_id(),
    primary key (case_id, seq)
);
-- Streams of all cases read behind the oldest running transaction, so that none is overtaken and missed.
create index events_in_commit_order on events (tenant_id, tx);

create table commands (
    command_id bigint generated always as identity primary key,
    tenant_id text not null default 'default',
    case_id uuid not null references cases,
    kind text not null check (kind in ('start', 'resume', 'rollback', 'settle')),
    graph text not null,
    graph_version text not null,
    ref uuid,
    priority smallint not null default 5 check (priority between 0 and 9),
    state text not null default 'ready' check (state in ('ready', 'published', 'claimed', 'done', 'failed')),
    available_at timestamptz not null default now(),
    publishes int not null default 0,
    published_at timestamptz,
    owner text,
    epoch bigint not null default 0,
    attempts int not null default 0,
    lease_until timestamptz,
    postponed_since timestamptz,
    result text,
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    check ((state in ('done', 'failed')) = (finished_at is not null)),
    check (state <> 'claimed' or (owner is not null and lease_until is not null))
);
-- At most one unfinished command moves a case.
create unique index commands_one_per_case on commands (case_id)
    where state in ('ready', 'published', 'claimed') and kind <> 'settle';
create index commands_ready on commands (priority desc, command_id) where state = 'ready';
create index commands_published on commands (published_at) where state = 'published';
create index commands_claimed on commands (lease_until) where state = 'claimed';
create index commands_of_case on commands (case_id, command_id);

create table workers (
    worker_id text primary key,
    tenant_id text not null default 'default',
    serves jsonb not null,
    relay boolean not null,
    started_at timestamptz not null default now(),
    seen_at timestamptz not null default now()
);

create table idempotency_keys (
    tenant_id text not null default 'default',
    person text not null,
    key text not null,
    request_sha256 bytea not null,
    status_code smallint not null,
    headers jsonb not null default '{}',
    body jsonb not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, person, key)
);
create index idempotency_keys_age on idempotency_keys (created_at);

-- Where a thread's checkpoints stand: reads start here, and only a run that holds the lease moves it.
create table checkpoint_heads (
    thread_id text not null,
    checkpoint_ns text not null,
    tenant_id text not null default 'default',
    checkpoint_id text not null,
    primary key (thread_id, checkpoint_ns)
);
