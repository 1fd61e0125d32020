-- When a maintainer gave its verdict, and of what else the defect is a duplicate: a case here, or an id elsewhere.
alter table cases add column judged_at bigint;
alter table cases add column duplicate_of text;
-- The time of a verdict from before stands in the case's history.
update cases set judged_at = (select max(e.at) from case_events e where e.case_id = cases.id and e.kind = 'judged')
    where verdict is not null;
