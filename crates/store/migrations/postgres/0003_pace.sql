-- At what pace each maintainer takes cases, and which cases wait for which maintainer.
create table paces (
    party_id text primary key references parties (id),
    rate_per_week bigint check (rate_per_week > 0),
    refuse bigint not null check (refuse in (0, 1)),
    exceptions bigint not null check (exceptions in (0, 1)),
    told text not null check (told in ('api', 'email', 'advisory-channel')),
    told_to text,
    embargo_url text,
    embargo_days bigint check (embargo_days > 0),
    set_by text not null references members (id),
    set_at bigint not null,
    revision bigint not null check (revision > 0)
);

create table pace_seasons (
    party_id text not null references paces (party_id),
    first_day bigint not null,
    last_day bigint not null,
    primary key (party_id, first_day, last_day)
);

-- Who else is read in with each case of a maintainer.
create table pace_guests (
    party_id text not null references paces (party_id),
    member_id text not null references members (id),
    tier bigint not null check (tier between 1 and 3),
    primary key (party_id, member_id)
);

-- One row for each case and each party that maintains its package. It waits while `released_at` is null.
create table case_waits (
    case_id text not null references cases (id),
    party_id text not null references parties (id),
    since bigint not null,
    released_at bigint,
    cause text check (cause in ('pace', 'exception', 'own', 'carried', 'before')),
    exception_reason text,
    exception_by text references members (id),
    exception_at bigint,
    primary key (case_id, party_id)
);
create index case_waits_waiting on case_waits (party_id, since) where released_at is null;
create index case_waits_released on case_waits (party_id, released_at) where released_at is not null;

-- Until now every maintainer was read in at once.
insert into case_waits (case_id, party_id, since, released_at, cause)
    select c.id, p.party_id, c.opened_at, c.opened_at, 'before'
    from cases c join party_packages p on p.purl = c.purl;
