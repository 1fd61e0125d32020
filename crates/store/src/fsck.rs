//! Checks what no single write can break: invariants over all tables.
//!
//! Must not repair: it says in plain lines what is wrong with which row.

use crate::error::StoreError;
use crate::open::Store;

/// Rows named for each broken invariant, at most.
pub const FSCK_ROWS_PER_CHECK_MAX: i64 = 20;

/// Each query gives the names of the rows that break the sentence before it.
const CHECKS: &[(&str, &str)] = &[
    ("finding is in-case without a case", "select id from findings where state = 'in-case' and case_id is null"),
    (
        "finding has a case and is not in-case",
        "select id from findings where state <> 'in-case' and case_id is not null",
    ),
    (
        "finding is in a case of another package",
        "select f.id from findings f join cases c on c.id = f.case_id where f.purl is null or f.purl <> c.purl",
    ),
    (
        "finding names a proof of another finding",
        "select f.id from findings f join proofs p on p.id = f.proof_id where p.finding_id <> f.id",
    ),
    (
        "live case has no finding",
        "select c.id from cases c where c.state in ('open', 'fix-verified') \
      and not exists (select 1 from findings f where f.case_id = c.id)",
    ),
    (
        "published case has no advisory",
        "select c.id from cases c where c.state = 'published' \
      and not exists (select 1 from advisories a where a.case_id = c.id)",
    ),
    (
        "case has an advisory and is not public",
        "select c.id from cases c join advisories a on a.case_id = c.id \
      where c.public = 0",
    ),
    (
        "case is public without an advisory",
        "select c.id from cases c where c.public = 1 and c.state <> 'merged' \
      and not exists (select 1 from advisories a where a.case_id = c.id)",
    ),
    (
        "merged case does not say into which",
        "select id from cases where (state = 'merged') <> (merged_into is not null)",
    ),
    (
        "merged case still has findings",
        "select distinct c.id from cases c join findings f on f.case_id = c.id where c.state = 'merged'",
    ),
    (
        "advisory has no document of its newest revision",
        "select a.id from advisories a where not exists (select 1 from advisory_documents d \
         where d.advisory_id = a.id and d.revision = a.revision)",
    ),
    (
        "withdrawn advisory has no reason",
        "select id from advisories where (state = 'withdrawn') <> (withdrawn_at is not null and withdrawn_reason is not null)",
    ),
    (
        "confirmed proof has no receipt",
        "select p.id from proofs p where p.grade = 'confirmed' \
      and not exists (select 1 from receipts r where r.proof_id = p.id and r.verdict = 'fired')",
    ),
    ("proof is done without a grade", "select id from proofs where state = 'done' and grade is null"),
    (
        "receipt without proof",
        "select r.id from receipts r where not exists (select 1 from proofs p where p.id = r.proof_id)",
    ),
    ("report is done without a time", "select id from reports where (state = 'done') <> (done_at is not null)"),
    (
        "standing does not count the reports that wait",
        "select s.party_id from standings s where s.waiting <> \
      (select count(*) from reports r where r.party_id = s.party_id and r.state <> 'done')",
    ),
    (
        "standing does not count the findings that were proved or not",
        "select s.party_id from standings s where s.proved <> \
      (select count(*) from findings f where f.party_id = s.party_id and f.counted = 'proved') or s.unproved <> \
      (select count(*) from findings f where f.party_id = s.party_id and f.counted = 'unproved')",
    ),
    (
        "report has no body",
        "select r.id from reports r where not exists (select 1 from blobs b where b.id = r.body_blob_id)",
    ),
    (
        "asset has more than one current inventory",
        "select min(id) from inventories where current = 1 group by party_id, asset having count(*) > 1",
    ),
    (
        "inventory has another number of components than it says",
        "select i.id from inventories i where i.components <> \
         (select count(*) from inventory_components c where c.inventory_id = i.id)",
    ),
    (
        "notice of an inventory of another party",
        "select n.id from notices n join inventories i on i.id = n.inventory_id where i.party_id <> n.party_id",
    ),
    ("notice is closed without a time", "select id from notices where (state = 'closed') <> (closed_at is not null)"),
    (
        "member is read in twice",
        "select min(id) from read_ins where ended_at is null group by member_id, case_id having count(*) > 1",
    ),
    (
        "case was handed over without a cause, or not and with one",
        "select case_id from case_waits where (released_at is null) <> (cause is null)",
    ),
    (
        "letter is over without a time, or not and with one",
        "select id from letters where (state = 'waiting') <> (ended_at is null)",
    ),
    (
        "exception without a reason",
        "select case_id from case_waits where exception_at is not null and exception_reason is null",
    ),
    (
        "case is a duplicate of something without that verdict",
        "select id from cases where duplicate_of is not null and (verdict is null or verdict <> 'duplicate-of-ours')",
    ),
    (
        "verdict without a time, or a time without a verdict",
        "select id from cases where (verdict is null) <> (judged_at is null)",
    ),
    (
        "claim is ahead of its fence",
        "select c.id from claims c where not exists \
      (select 1 from claim_fences f where f.scope_key = c.scope_key and f.fence >= c.fence)",
    ),
    ("running job has no lease", "select id from jobs where (state = 'running') <> (lease_until is not null)"),
    (
        "finished job has no time",
        "select id from jobs where (state in ('done', 'failed')) <> (finished_at is not null)",
    ),
    ("idempotency key names no resource", "select key from idempotency where resource is null"),
    (
        "blob belongs to nothing",
        "select b.id from blobs b where not exists (select 1 from reports where body_blob_id = b.id) \
         and not exists (select 1 from attachments where blob_id = b.id) \
         and not exists (select 1 from proofs where bundle_blob_id = b.id) \
         and not exists (select 1 from fixes where patch_blob_id = b.id) \
         and not exists (select 1 from inventories where document_blob_id = b.id)",
    ),
];

/// Checks every invariant over one snapshot; gives one plain line for each row that breaks one, none
/// when all hold.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub async fn fsck(store: &Store) -> Result<Vec<String>, StoreError> {
    let mut tx = store.read().await?;
    let mut lines = tx.file_check().await?;
    for (sentence, sql) in CHECKS {
        let limited = format!("select * from ({sql}) broken limit {FSCK_ROWS_PER_CHECK_MAX}");
        for name in tx.all(&limited, &[], |row| row.fields("fsck").text()).await? {
            lines.push(format!("{sentence}: {name}"));
        }
    }
    tx.commit().await?;
    Ok(lines)
}

/// One line for each kind of job in the queue that is not among `known`, the kinds that the running
/// program can do. Apart from [`fsck`], because what a kind means is not known here.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub async fn fsck_job_kinds(store: &Store, known: &[&str]) -> Result<Vec<String>, StoreError> {
    let mut tx = store.read().await?;
    let counts = crate::job::counts(&mut tx).await?;
    tx.commit().await?;
    let unknown = counts.iter().filter(|count| !known.contains(&count.kind.as_str()));
    Ok(unknown.map(|c| format!("{} jobs of unknown kind `{}` are {}", c.jobs, c.kind, c.state)).collect())
}
