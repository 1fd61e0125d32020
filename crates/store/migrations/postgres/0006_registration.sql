-- What is to be sent out, and what became of it. The text is written when it is sent: what is no longer so is not told.
create table letters (
    id text primary key,
    kind text not null check (kind in ('case', 'registration')),
    about text not null,
    party_id text references parties (id),
    state text not null check (state in ('waiting', 'sent', 'dropped', 'undelivered')),
    sent_to text,
    tries bigint not null check (tries >= 0),
    reason text,
    created_at bigint not null,
    tried_at bigint,
    ended_at bigint
);
create index letters_state on letters (state, id);
create index letters_registration on letters (created_at) where kind = 'registration';

-- Maintainers that ask to take part.
create table registrations (
    id text primary key,
    secret_hash bytea not null,
    name text not null,
    accountable text not null,
    contact text not null,
    packages text not null,
    file_url text,
    domain text,
    challenge text not null,
    email_sealed text,
    email_until bigint,
    email_letters bigint not null,
    email_misses bigint not null,
    checks bigint not null,
    state text not null check (state in ('open', 'accepted', 'declined', 'expired')),
    party_id text references parties (id),
    decided_by text references members (id),
    decided_at bigint,
    reason text,
    claimed_at bigint,
    created_at bigint not null
);
create index registrations_state on registrations (state, id);

-- What was verified of one, how and when.
create table registration_verifications (
    registration_id text not null references registrations (id),
    way text not null check (way in ('email', 'file', 'dns')),
    subject text not null,
    at bigint not null,
    primary key (registration_id, way)
);

-- Which coordinator made a party by hand, and vouches for it, or accepted the registration that it was.
create table party_origins (
    party_id text primary key references parties (id),
    by_member text not null references members (id),
    registration_id text references registrations (id)
);
