//! Cases and their history. The list of cases repeats `domain::policy::visible` in SQL.
//!
//! Must not show a case to anybody by itself except through [`list_visible`]: for single cases the
//! service asks the policy.

use domain::case::{CaseState, EventKind, MaintainerVerdict};
use domain::embargo::EmbargoSource;
use domain::id::{CaseId, CaseKind, EventId, MemberId};
use domain::time::Timestamp;

use crate::error::StoreError;
use crate::page::{Listed, Page};
use crate::tx::Tx;
use crate::value::{Row, params};

/// One defect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its identity.
    pub id: CaseId,
    /// The package, canonical and without version.
    pub purl: String,
    /// One line that names it.
    pub title: String,
    /// What it is, in short.
    pub summary: String,
    /// Where it stands.
    pub state: CaseState,
    /// Whether an advisory was ever published: then everybody may know of it.
    pub public: bool,
    /// The maintainer's verdict, once given.
    pub verdict: Option<MaintainerVerdict>,
    /// The maintainer's reason.
    pub verdict_reason: Option<String>,
    /// When it was given, or last changed.
    pub judged_at: Option<Timestamp>,
    /// Of what it is a duplicate, where the verdict says so: a case here, or an id elsewhere.
    pub duplicate_of: Option<String>,
    /// When the embargo ends.
    pub embargo_ends: Option<Timestamp>,
    /// Which rule says so.
    pub embargo_source: Option<EmbargoSource>,
    /// Where the rule can be read.
    pub embargo_url: Option<String>,
    /// Why, in one sentence.
    pub embargo_reason: Option<String>,
    /// The measured range: JSON.
    pub range: Option<String>,
    /// Ids elsewhere: JSON list of texts.
    pub aliases: String,
    /// The CWE id, if known.
    pub weakness: Option<String>,
    /// The case that carries on, if this one was merged.
    pub merged_into: Option<CaseId>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Grows with every change, from 1: the version of its ETag.
    pub revision: i64,
}

/// One line of a case's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseEvent {
    /// Its identity.
    pub id: EventId,
    /// Whose it is.
    pub case_id: CaseId,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
    /// Who did it; none for the clearinghouse itself.
    pub member_id: Option<MemberId>,
    /// One plain sentence or a few.
    pub text: String,
    /// Whether it tells of reports, proofs or their results: only tiers that see research read it.
    pub research: bool,
}

/// Who reads a list, as far as visibility goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewer {
    /// The acting member.
    pub member: MemberId,
    /// Whether its party coordinates.
    pub staff: bool,
    /// When it reads.
    pub now: Timestamp,
}

/// Which cases are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaseFilter {
    /// Of this package.
    pub purl: Option<String>,
    /// In this state.
    pub state: Option<CaseState>,
}

macro_rules! columns {
    () => {
        "c.id, c.purl, c.title, c.summary, c.state, c.public, c.verdict, c.verdict_reason, c.embargo_ends, \
         c.embargo_source, c.embargo_url, c.embargo_reason, c.range, c.aliases, c.weakness, c.merged_into, \
         c.opened_at, c.updated_at, c.revision, c.judged_at, c.duplicate_of"
    };
}

fn read(row: &Row) -> Result<Case, StoreError> {
    let mut f = row.fields("cases");
    let mut case = Case {
        id: f.parsed()?,
        purl: f.text()?,
        title: f.text()?,
        summary: f.text()?,
        state: f.parsed()?,
        public: f.flag()?,
        verdict: f.parsed_opt()?,
        verdict_reason: f.text_opt()?,
        judged_at: None,
        duplicate_of: None,
        embargo_ends: f.time_opt()?,
        embargo_source: f.parsed_opt()?,
        embargo_url: f.text_opt()?,
        embargo_reason: f.text_opt()?,
        range: f.text_opt()?,
        aliases: f.text()?,
        weakness: f.text_opt()?,
        merged_into: f.parsed_opt()?,
        opened_at: f.time()?,
        updated_at: f.time()?,
        revision: f.int()?,
    };
    case.judged_at = f.time_opt()?;
    case.duplicate_of = f.text_opt()?;
    Ok(case)
}

fn read_event(row: &Row) -> Result<CaseEvent, StoreError> {
    let mut f = row.fields("case_events");
    Ok(CaseEvent {
        id: f.parsed()?,
        case_id: f.parsed()?,
        at: f.time()?,
        kind: f.parsed()?,
        member_id: f.parsed_opt()?,
        text: f.text()?,
        research: f.flag()?,
    })
}

/// Writes a case as it is given, revision included (1 for a new one).
///
/// # Errors
/// [`StoreError`]
pub async fn insert(tx: &mut Tx, c: &Case) -> Result<(), StoreError> {
    let sql = "insert into cases (id, purl, title, summary, state, public, verdict, verdict_reason, embargo_ends, \
               embargo_source, embargo_url, embargo_reason, range, aliases, weakness, merged_into, opened_at, \
               updated_at, revision, judged_at, duplicate_of) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
               $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)";
    let params = params![
        c.id,
        &c.purl,
        &c.title,
        &c.summary,
        c.state.as_str(),
        c.public,
        c.verdict.map(MaintainerVerdict::as_str),
        &c.verdict_reason,
        c.embargo_ends,
        c.embargo_source.map(EmbargoSource::as_str),
        &c.embargo_url,
        &c.embargo_reason,
        &c.range,
        &c.aliases,
        &c.weakness,
        c.merged_into,
        c.opened_at,
        c.updated_at,
        c.revision,
        c.judged_at,
        &c.duplicate_of,
    ];
    tx.execute(sql, params).await?;
    Ok(())
}

/// Writes a changed case if nobody else changed it since it was read; then its revision is one
/// higher, here and there. False when somebody did: read it again.
///
/// # Errors
/// [`StoreError`]
pub async fn update(tx: &mut Tx, c: &mut Case) -> Result<bool, StoreError> {
    let sql = "update cases set title = $3, summary = $4, state = $5, public = $6, verdict = $7, \
               verdict_reason = $8, embargo_ends = $9, embargo_source = $10, embargo_url = $11, \
               embargo_reason = $12, range = $13, aliases = $14, weakness = $15, merged_into = $16, \
               updated_at = $17, judged_at = $18, duplicate_of = $19, revision = revision + 1 where id = $1 and revision = $2";
    let params = params![
        c.id,
        c.revision,
        &c.title,
        &c.summary,
        c.state.as_str(),
        c.public,
        c.verdict.map(MaintainerVerdict::as_str),
        &c.verdict_reason,
        c.embargo_ends,
        c.embargo_source.map(EmbargoSource::as_str),
        &c.embargo_url,
        &c.embargo_reason,
        &c.range,
        &c.aliases,
        &c.weakness,
        c.merged_into,
        c.updated_at,
        c.judged_at,
        &c.duplicate_of,
    ];
    let changed = tx.changed(sql, params).await?;
    c.revision += i64::from(changed);
    Ok(changed)
}

/// Reads a case.
///
/// # Errors
/// [`StoreError`]
pub async fn by_id(tx: &mut Tx, id: CaseId) -> Result<Option<Case>, StoreError> {
    tx.one(concat!("select ", columns!(), " from cases c where c.id = $1"), params![id], read).await
}

/// Reads a case and holds its row to the end of the transaction, which must be one that writes.
///
/// # Errors
/// [`StoreError`]
pub async fn by_id_locked(tx: &mut Tx, id: CaseId) -> Result<Option<Case>, StoreError> {
    tx.one(concat!("select ", columns!(), " from cases c where c.id = $1 for update"), params![id], read).await
}

/// How many live cases a package has.
///
/// # Errors
/// [`StoreError`]
pub async fn live_count(tx: &mut Tx, purl: &str) -> Result<i64, StoreError> {
    let sql = "select count(*) from cases where purl = $1 and state in ('open', 'fix-verified')";
    Ok(tx.one(sql, params![purl], |row| row.fields("cases").int()).await?.unwrap_or(0))
}

/// The live cases of a package, oldest first, for triage. Nobody else triages the same package, or
/// opens a case for it through this function, before the transaction ends; it must be one that writes.
///
/// # Errors
/// [`StoreError`]
pub async fn live_by_purl(tx: &mut Tx, purl: &str) -> Result<Vec<Case>, StoreError> {
    // Rows that are not there yet cannot be locked, so the package is.
    tx.lock_name(&format!("triage {purl}")).await?;
    let sql = concat!(
        "select ",
        columns!(),
        " from cases c where c.purl = $1 and c.state in ('open', 'fix-verified') order by c.id for update"
    );
    tx.all(sql, params![purl], read).await
}

/// One page of the cases that the viewer may know of: `domain::policy::visible`, in SQL.
///
/// # Errors
/// [`StoreError`]
pub async fn list_visible(
    tx: &mut Tx,
    viewer: Viewer,
    filter: &CaseFilter,
    page: &Page,
) -> Result<Listed<Case>, StoreError> {
    let sql = concat!(
        "select ",
        columns!(),
        " from cases c where (c.public = 1 or cast($1 as bigint) = 1 or exists (select 1 from read_ins r",
        " where r.case_id = c.id and r.member_id = $2 and r.ended_at is null and r.until > $3))",
        " and (cast($4 as text) is null or c.purl = $4) and (cast($5 as text) is null or c.state = $5)",
        " and (cast($6 as text) is null or c.id < $6) order by c.id desc limit $7"
    );
    let params = params![
        viewer.staff,
        viewer.member,
        viewer.now,
        &filter.purl,
        filter.state.map(CaseState::as_str),
        page.before::<CaseKind>()?,
        page.fetch(),
    ];
    Ok(Listed::cut(tx.all(sql, params, read).await?, page, |c| c.id))
}

/// Cases that are live and whose embargo has ended at `now`, oldest first, at most `limit`.
///
/// # Errors
/// [`StoreError`]
pub async fn embargo_due(tx: &mut Tx, now: Timestamp, limit: u32) -> Result<Vec<Case>, StoreError> {
    let sql = concat!(
        "select ",
        columns!(),
        " from cases c where c.state in ('open', 'fix-verified') and c.embargo_ends <= $1 order by c.id limit $2"
    );
    tx.all(sql, params![now, i64::from(limit)], read).await
}

/// Adds a line to a case's history.
///
/// # Errors
/// [`StoreError`]
pub async fn event_insert(tx: &mut Tx, e: &CaseEvent) -> Result<(), StoreError> {
    let sql = "insert into case_events (id, case_id, at, kind, member_id, text, research) \
               values ($1, $2, $3, $4, $5, $6, $7)";
    tx.execute(sql, params![e.id, e.case_id, e.at, e.kind.as_str(), e.member_id, &e.text, e.research]).await?;
    Ok(())
}

/// The history of a case, oldest first, with or without the lines on research.
///
/// # Errors
/// [`StoreError`]
pub async fn events(tx: &mut Tx, case: CaseId, research: bool) -> Result<Vec<CaseEvent>, StoreError> {
    let sql = "select id, case_id, at, kind, member_id, text, research from case_events \
               where case_id = $1 and (research = 0 or cast($2 as bigint) = 1) order by at, id";
    tx.all(sql, params![case, research], read_event).await
}
