-- What became of each finder's proofs, and how many of its reports wait. Counted as they change: nothing is counted over when a report comes.
create table standings (
    party_id text primary key references parties (id),
    proved integer not null check (proved >= 0),
    unproved integer not null check (unproved >= 0),
    waiting integer not null check (waiting >= 0)
) strict;

-- As what a finding counts for its finder; null while it does not.
alter table findings add column counted text check (counted in ('proved', 'unproved'));
update findings set counted = 'unproved' where state = 'not-proved';
-- Several of one party in one case are one.
update findings set counted = 'proved' where state = 'proved' or (state = 'in-case' and id in
    (select min(id) from findings where state = 'in-case' group by party_id, case_id));

insert into standings (party_id, proved, unproved, waiting)
    select p.id,
        (select count(*) from findings f where f.party_id = p.id and f.counted = 'proved'),
        (select count(*) from findings f where f.party_id = p.id and f.counted = 'unproved'),
        (select count(*) from reports r where r.party_id = p.id and r.state <> 'done')
    from parties p where exists (select 1 from reports r where r.party_id = p.id);

-- When it is a job's turn among those whose time has come.
alter table jobs add column turn_at integer not null default 0;
update jobs set turn_at = run_after;
create index jobs_turn on jobs (turn_at, id) where state in ('ready', 'running');
