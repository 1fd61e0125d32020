-- What is to be sent out, and what became of it. The text is written when it is sent: what is no longer so is not told.
create table letters (
    id text primary key,
    kind text not null check (kind in ('case')),
    about text not null,
    party_id text references parties (id),
    state text not null check (state in ('waiting', 'sent', 'dropped', 'undelivered')),
    sent_to text,
    tries integer not null check (tries >= 0),
    reason text,
    created_at integer not null,
    tried_at integer,
    ended_at integer
) strict;
create index letters_state on letters (state, id);
