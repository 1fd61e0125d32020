//! At what pace maintainers take cases, and which cases wait for which of them.
//!
//! A row of `case_waits` waits while it has no time of release; it stays when the case ends otherwise, and then waits for nothing.
//! Must not decide what may be handed over: `domain::pace` does.

use domain::id::{CaseId, MemberId, PartyId};
use domain::pace::{Cause, Told};
use domain::read_in::Tier;
use domain::time::Timestamp;

use crate::error::StoreError;
use crate::tx::Tx;
use crate::value::{Row, params};

/// Cases that one question for what waits gives, at most: the oldest.
pub const WAITING_ROWS_MAX: i64 = 1_000;

/// What one maintainer has set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaceRow {
    /// Whose it is.
    pub party_id: PartyId,
    /// Cases in any seven days; none for no limit.
    pub rate_per_week: Option<i64>,
    /// Takes none.
    pub refuse: bool,
    /// Takes exploited ones outside its rate and seasons.
    pub exceptions: bool,
    /// How it is told.
    pub told: Told,
    /// Where: an e-mail address or a URL.
    pub told_to: Option<String>,
    /// Where its embargo policy can be read.
    pub embargo_url: Option<String>,
    /// How long that policy keeps a case closed, in days.
    pub embargo_days: Option<i64>,
    /// Who set it.
    pub set_by: MemberId,
    /// When.
    pub set_at: Timestamp,
    /// Grows with every change, from 1.
    pub revision: i64,
    /// Closed seasons: the first instants of their first and last days.
    pub seasons: Vec<(Timestamp, Timestamp)>,
    /// Who else is read in, and at which tier.
    pub guests: Vec<(MemberId, Tier)>,
}

/// A case and a maintainer of its package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// The case.
    pub case_id: CaseId,
    /// The maintainer.
    pub party_id: PartyId,
    /// Since when it waits, or waited.
    pub since: Timestamp,
    /// When it was handed over.
    pub released_at: Option<Timestamp>,
    /// Why then.
    pub cause: Option<Cause>,
    /// Why it is to be an exception, if a coordinator said so.
    pub exception_reason: Option<String>,
    /// Which coordinator.
    pub exception_by: Option<MemberId>,
    /// When.
    pub exception_at: Option<Timestamp>,
}

/// A live case that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The wait.
    pub wait: Wait,
    /// The name of the maintainer.
    pub party: String,
    /// The package.
    pub purl: String,
    /// The case in a line.
    pub title: String,
    /// Its ids elsewhere: JSON list of texts.
    pub aliases: String,
    /// When its embargo ends.
    pub embargo_ends: Option<Timestamp>,
}

macro_rules! wait_columns {
    () => {
        "w.case_id, w.party_id, w.since, w.released_at, w.cause, w.exception_reason, w.exception_by, w.exception_at"
    };
}

fn wait_fields(f: &mut crate::value::Fields<'_>) -> Result<Wait, StoreError> {
    Ok(Wait {
        case_id: f.parsed()?,
        party_id: f.parsed()?,
        since: f.time()?,
        released_at: f.time_opt()?,
        cause: f.parsed_opt()?,
        exception_reason: f.text_opt()?,
        exception_by: f.parsed_opt()?,
        exception_at: f.time_opt()?,
    })
}

fn read_wait(row: &Row) -> Result<Wait, StoreError> {
    wait_fields(&mut row.fields("case_waits"))
}

fn read_waiting(row: &Row) -> Result<Waiting, StoreError> {
    let f = &mut row.fields("case_waits");
    Ok(Waiting {
        wait: wait_fields(f)?,
        party: f.text()?,
        purl: f.text()?,
        title: f.text()?,
        aliases: f.text()?,
        embargo_ends: f.time_opt()?,
    })
}

fn read_pace(row: &Row) -> Result<PaceRow, StoreError> {
    let mut f = row.fields("paces");
    Ok(PaceRow {
        party_id: f.parsed()?,
        rate_per_week: f.int_opt()?,
        refuse: f.flag()?,
        exceptions: f.flag()?,
        told: f.parsed()?,
        told_to: f.text_opt()?,
        embargo_url: f.text_opt()?,
        embargo_days: f.int_opt()?,
        set_by: f.parsed()?,
        set_at: f.time()?,
        revision: f.int()?,
        seasons: Vec::new(),
        guests: Vec::new(),
    })
}

fn read_guest(row: &Row) -> Result<(MemberId, Tier), StoreError> {
    let mut f = row.fields("pace_guests");
    let (member, number) = (f.parsed()?, f.int()?);
    let tier = Tier::from_number(number).ok_or_else(|| StoreError::Column {
        doing: "read pace_guests".to_owned(),
        column: 1,
        reason: "is no tier".to_owned(),
    })?;
    Ok((member, tier))
}

/// What a party has set; none when it has set nothing.
///
/// # Errors
/// [`StoreError`]
pub async fn by_party(tx: &mut Tx, party: PartyId) -> Result<Option<PaceRow>, StoreError> {
    let sql = "select party_id, rate_per_week, refuse, exceptions, told, told_to, embargo_url, embargo_days, set_by, \
               set_at, revision from paces where party_id = $1";
    let Some(mut row) = tx.one(sql, params![party], read_pace).await? else { return Ok(None) };
    let seasons = "select first_day, last_day from pace_seasons where party_id = $1 order by first_day, last_day";
    let read = |row: &Row| {
        let mut f = row.fields("pace_seasons");
        Ok((f.time()?, f.time()?))
    };
    row.seasons = tx.all(seasons, params![party], read).await?;
    let guests = "select member_id, tier from pace_guests where party_id = $1 order by member_id";
    row.guests = tx.all(guests, params![party], read_guest).await?;
    Ok(Some(row))
}

/// Writes what a party has set, in place of what it had set before; its revision is given by the store, and returned.
///
/// # Errors
/// [`StoreError::Conflict`] when a guest or a season stands twice.
pub async fn put(tx: &mut Tx, p: &PaceRow) -> Result<i64, StoreError> {
    let sql = "insert into paces (party_id, rate_per_week, refuse, exceptions, told, told_to, embargo_url, \
               embargo_days, set_by, set_at, revision) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1) \
               on conflict (party_id) do update set rate_per_week = excluded.rate_per_week, \
               refuse = excluded.refuse, exceptions = excluded.exceptions, told = excluded.told, \
               told_to = excluded.told_to, embargo_url = excluded.embargo_url, embargo_days = excluded.embargo_days, \
               set_by = excluded.set_by, set_at = excluded.set_at, revision = paces.revision + 1";
    let params = params![
        p.party_id,
        p.rate_per_week,
        p.refuse,
        p.exceptions,
        p.told.as_str(),
        &p.told_to,
        &p.embargo_url,
        p.embargo_days,
        p.set_by,
        p.set_at,
    ];
    tx.execute(sql, params).await?;
    tx.execute("delete from pace_seasons where party_id = $1", params![p.party_id]).await?;
    for (first, last) in &p.seasons {
        let sql = "insert into pace_seasons (party_id, first_day, last_day) values ($1, $2, $3)";
        tx.execute(sql, params![p.party_id, *first, *last]).await?;
    }
    tx.execute("delete from pace_guests where party_id = $1", params![p.party_id]).await?;
    for (member, tier) in &p.guests {
        let sql = "insert into pace_guests (party_id, member_id, tier) values ($1, $2, $3)";
        tx.execute(sql, params![p.party_id, *member, tier.number()]).await?;
    }
    let revision = "select revision from paces where party_id = $1";
    let revision = tx.one(revision, params![p.party_id], |row| row.fields("paces").int()).await?;
    Ok(revision.unwrap_or(1))
}

/// Waits until nobody else hands cases over to this party, and holds that to the end of the transaction. Whoever needs a case's row
/// as well takes that first, so that nobody waits for each other.
///
/// # Errors
/// [`StoreError`]
pub async fn lock(tx: &mut Tx, party: PartyId) -> Result<(), StoreError> {
    tx.lock_name(&format!("pace {party}")).await
}

/// Writes that a case waits for a party from now on; false when it waits or was handed over already.
///
/// # Errors
/// [`StoreError`]
pub async fn wait_open(tx: &mut Tx, case: CaseId, party: PartyId, since: Timestamp) -> Result<bool, StoreError> {
    let sql = "insert into case_waits (case_id, party_id, since) values ($1, $2, $3) on conflict do nothing";
    tx.changed(sql, params![case, party, since]).await
}

/// Writes that a case was handed over; false when it was before.
///
/// # Errors
/// [`StoreError`]
pub async fn release(
    tx: &mut Tx,
    case: CaseId,
    party: PartyId,
    at: Timestamp,
    cause: Cause,
) -> Result<bool, StoreError> {
    let sql = "update case_waits set released_at = $3, cause = $4 \
               where case_id = $1 and party_id = $2 and released_at is null";
    tx.changed(sql, params![case, party, at, cause.as_str()]).await
}

/// Writes that a case is to be an exception wherever it still waits; false when it waits nowhere.
///
/// # Errors
/// [`StoreError`]
pub async fn except(tx: &mut Tx, case: CaseId, reason: &str, by: MemberId, at: Timestamp) -> Result<bool, StoreError> {
    let sql = "update case_waits set exception_reason = $2, exception_by = $3, exception_at = $4 \
               where case_id = $1 and released_at is null";
    tx.changed(sql, params![case, reason, by, at]).await
}

/// A case and a party.
///
/// # Errors
/// [`StoreError`]
pub async fn wait(tx: &mut Tx, case: CaseId, party: PartyId) -> Result<Option<Wait>, StoreError> {
    let sql = concat!("select ", wait_columns!(), " from case_waits w where w.case_id = $1 and w.party_id = $2");
    tx.one(sql, params![case, party], read_wait).await
}

/// Every party that a case waits for or was handed over to.
///
/// # Errors
/// [`StoreError`]
pub async fn waits_of_case(tx: &mut Tx, case: CaseId) -> Result<Vec<Wait>, StoreError> {
    let sql = concat!("select ", wait_columns!(), " from case_waits w where w.case_id = $1 order by w.party_id");
    tx.all(sql, params![case], read_wait).await
}

/// The live, unpublished cases that wait for a party, or for anybody, at most [`WAITING_ROWS_MAX`]: those that are to be exceptions
/// first, then those that wait longest.
///
/// # Errors
/// [`StoreError`]
pub async fn waiting(tx: &mut Tx, party: Option<PartyId>) -> Result<Vec<Waiting>, StoreError> {
    let sql = concat!(
        "select ",
        wait_columns!(),
        ", p.name, c.purl, c.title, c.aliases, c.embargo_ends from case_waits w join cases c on c.id = w.case_id",
        " join parties p on p.id = w.party_id where w.released_at is null and c.public = 0",
        " and c.state in ('open', 'fix-verified') and (cast($1 as text) is null or w.party_id = $1)",
        " order by case when w.exception_at is null then 1 else 0 end, w.since, w.case_id, w.party_id limit $2"
    );
    tx.all(sql, params![party, WAITING_ROWS_MAX], read_waiting).await
}

/// What was handed over to a party after a moment, newest first.
///
/// # Errors
/// [`StoreError`]
pub async fn released_since(tx: &mut Tx, party: PartyId, after: Timestamp) -> Result<Vec<Wait>, StoreError> {
    let sql = concat!(
        "select ",
        wait_columns!(),
        " from case_waits w where w.party_id = $1 and w.released_at > $2 order by w.released_at desc, w.case_id"
    );
    tx.all(sql, params![party, after], read_wait).await
}
