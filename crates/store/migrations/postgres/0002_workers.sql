-- What a worker must have to be given a job, and how far a job is.
alter table jobs add column progress text;

create table job_needs (
    job_id text not null references jobs (id),
    label text not null,
    primary key (job_id, label)
);

-- The keys with which workers sign receipts. A key belongs to one member for ever.
create table worker_keys (
    key_id text primary key,
    member_id text not null references members (id),
    pem text not null,
    registered_at bigint not null,
    ended_at bigint
);
create index worker_keys_member on worker_keys (member_id);
