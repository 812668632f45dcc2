-- The embedded forum: what a customer's platform would keep of its posts and authors. No content lies here.

-- The present state of a target, one row per aspect; no row means untouched.
create table forum_aspects (
    tenant_id text not null default 'default',
    target text not null check (target ~ '^(post|author):.'),
    aspect text not null check (aspect <> ''),
    value jsonb not null check (jsonb_typeof(value) <> 'null'),
    changed_at timestamptz not null default now(),
    primary key (tenant_id, target, aspect)
);

-- One row per idempotency key, written with the effect it stands for.
create table forum_actions (
    tenant_id text not null default 'default',
    key text not null,
    number bigint generated always as identity unique,
    action_id text not null,
    kind text not null,
    target text not null,
    direction text not null check (direction in ('forward', 'reverse')),
    params jsonb not null,
    after jsonb,
    at timestamptz not null default now(),
    primary key (tenant_id, key)
);

-- What an author was told; a correction follows a notice and never replaces it.
create table forum_messages (
    message_id bigint generated always as identity primary key,
    tenant_id text not null default 'default',
    target text not null check (target ~ '^author:.'),
    kind text not null check (kind in ('notice', 'warning', 'strike', 'suspension', 'correction')),
    about text not null,
    key text not null,
    params jsonb not null default '{}',
    at timestamptz not null default now(),
    foreign key (tenant_id, key) references forum_actions
);
create index forum_messages_of_author on forum_messages (tenant_id, target, message_id desc);
