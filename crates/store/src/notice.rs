//! Notices to operators, their answers and their end.
//!
//! The list shows a party its own notices, and of an embargoed case only to a member that is read
//! in. Must not compute a deadline: it is stored with the facts it came from.

use domain::deadline::Outcome;
use domain::id::{AdvisoryId, CaseId, InventoryId, NoticeId, NoticeKind, PartyId};
use domain::notice::{NoticeState, VexJustification};
use domain::time::Timestamp;

use crate::case::Viewer;
use crate::error::StoreError;
use crate::page::{Listed, Page};
use crate::tx::Tx;
use crate::value::{Row, params};

/// One operator's copy of an advisory for one version on one asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its identity.
    pub id: NoticeId,
    /// Of which case.
    pub case_id: CaseId,
    /// Its advisory, once published.
    pub advisory_id: Option<AdvisoryId>,
    /// Whose it is.
    pub party_id: PartyId,
    /// On which asset.
    pub asset: String,
    /// The inventory that showed it last.
    pub inventory_id: InventoryId,
    /// The package.
    pub purl: String,
    /// The version that runs there.
    pub version: String,
    /// Where; may be empty.
    pub path: String,
    /// What the decision table says.
    pub outcome: Outcome,
    /// By when; none for "on system upgrade".
    pub due: Option<Timestamp>,
    /// When the clock started.
    pub clock_start: Timestamp,
    /// Whether the table is used by analogy.
    pub analogy: bool,
    /// The facts it came from: JSON list of sentences.
    pub because: String,
    /// What to do, in one sentence.
    pub action: String,
    /// Where it stands.
    pub state: NoticeState,
    /// Why it is not affected, if the operator says so.
    pub justification: Option<VexJustification>,
    /// The operator's note.
    pub note: Option<String>,
    /// Whether it was sent under embargo.
    pub pre_publication: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When an inventory closed it.
    pub closed_at: Option<Timestamp>,
    /// Why it was closed.
    pub closed_reason: Option<String>,
}

/// What [`put`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// A new notice was written.
    New,
    /// There was one; its deadline, action or place was brought up to date, or it was reopened
    /// because a newer inventory has the version again, or still has it after the operator answered
    /// that it is fixed.
    Refreshed,
    /// There was one, and nothing to change.
    Same,
}

/// An operator's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The state it asks for, checked by `domain::notice::answer_check`.
    pub state: NoticeState,
    /// Why it is not affected.
    pub justification: Option<VexJustification>,
    /// A note.
    pub note: Option<String>,
}

macro_rules! columns {
    () => {
        "n.id, n.case_id, n.advisory_id, n.party_id, n.asset, n.inventory_id, n.purl, n.version, n.path, n.outcome, \
         n.due, n.clock_start, n.analogy, n.because, n.action, n.state, n.justification, n.note, n.pre_publication, \
         n.created_at, n.updated_at, n.closed_at, n.closed_reason"
    };
}

fn read(row: &Row) -> Result<Notice, StoreError> {
    let mut f = row.fields("notices");
    Ok(Notice {
        id: f.parsed()?,
        case_id: f.parsed()?,
        advisory_id: f.parsed_opt()?,
        party_id: f.parsed()?,
        asset: f.text()?,
        inventory_id: f.parsed()?,
        purl: f.text()?,
        version: f.text()?,
        path: f.text()?,
        outcome: f.parsed()?,
        due: f.time_opt()?,
        clock_start: f.time()?,
        analogy: f.flag()?,
        because: f.text()?,
        action: f.text()?,
        state: f.parsed()?,
        justification: f.parsed_opt()?,
        note: f.text_opt()?,
        pre_publication: f.flag()?,
        created_at: f.time()?,
        updated_at: f.time()?,
        closed_at: f.time_opt()?,
        closed_reason: f.text_opt()?,
    })
}

/// Writes a notice unless there is one for the same case, asset, package and version. An existing
/// one keeps its id and its answer; see [`Put`].
///
/// # Errors
/// [`StoreError`]
pub async fn put(tx: &mut Tx, n: &Notice) -> Result<Put, StoreError> {
    let sql = "insert into notices (id, case_id, advisory_id, party_id, asset, inventory_id, purl, version, path, \
               outcome, due, clock_start, analogy, because, action, state, justification, note, pre_publication, \
               created_at, updated_at, closed_at, closed_reason) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, \
               $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23) \
               on conflict (case_id, party_id, asset, purl, version) do nothing";
    let params = params![
        n.id,
        n.case_id,
        n.advisory_id,
        n.party_id,
        &n.asset,
        n.inventory_id,
        &n.purl,
        &n.version,
        &n.path,
        n.outcome.as_str(),
        n.due,
        n.clock_start,
        n.analogy,
        &n.because,
        &n.action,
        n.state.as_str(),
        n.justification.map(VexJustification::as_str),
        &n.note,
        n.pre_publication,
        n.created_at,
        n.updated_at,
        n.closed_at,
        &n.closed_reason,
    ];
    if tx.changed(sql, params).await? { Ok(Put::New) } else { refresh(tx, n).await }
}

async fn refresh(tx: &mut Tx, n: &Notice) -> Result<Put, StoreError> {
    let sql = concat!(
        "select ",
        columns!(),
        " from notices n where n.case_id = $1 and n.party_id = $2 and n.asset = $3 and n.purl = $4",
        " and n.version = $5 for update"
    );
    let key = params![n.case_id, n.party_id, &n.asset, &n.purl, &n.version];
    let Some(old) = tx.one(sql, key, read).await? else { return Ok(Put::Same) };
    let wanted = Notice {
        advisory_id: n.advisory_id.or(old.advisory_id),
        inventory_id: n.inventory_id,
        path: n.path.clone(),
        outcome: n.outcome,
        due: n.due,
        clock_start: n.clock_start,
        analogy: n.analogy,
        because: n.because.clone(),
        action: n.action.clone(),
        state: match old.state {
            NoticeState::Closed => NoticeState::Open,
            // The newest inventory contradicts the operator's answer.
            NoticeState::Fixed if n.inventory_id != old.inventory_id => NoticeState::Open,
            state => state,
        },
        closed_at: None,
        closed_reason: None,
        ..old.clone()
    };
    if wanted == old {
        return Ok(Put::Same);
    }
    let sql = "update notices set advisory_id = $2, inventory_id = $3, path = $4, outcome = $5, due = $6, \
               clock_start = $7, analogy = $8, because = $9, action = $10, state = $11, closed_at = null, \
               closed_reason = null, updated_at = $12 where id = $1";
    let params = params![
        old.id,
        wanted.advisory_id,
        wanted.inventory_id,
        &wanted.path,
        wanted.outcome.as_str(),
        wanted.due,
        wanted.clock_start,
        wanted.analogy,
        &wanted.because,
        &wanted.action,
        wanted.state.as_str(),
        n.updated_at,
    ];
    tx.execute(sql, params).await?;
    Ok(Put::Refreshed)
}

/// Reads a notice. The caller asks the policy about its case.
///
/// # Errors
/// [`StoreError`]
pub async fn by_id(tx: &mut Tx, id: NoticeId) -> Result<Option<Notice>, StoreError> {
    tx.one(concat!("select ", columns!(), " from notices n where n.id = $1"), params![id], read).await
}

/// The notices of a case for one asset, oldest first.
///
/// # Errors
/// [`StoreError`]
pub async fn by_case_of_asset(
    tx: &mut Tx,
    case: CaseId,
    party: PartyId,
    asset: &str,
) -> Result<Vec<Notice>, StoreError> {
    let sql = concat!(
        "select ",
        columns!(),
        " from notices n where n.case_id = $1 and n.party_id = $2 and n.asset = $3 order by n.id"
    );
    tx.all(sql, params![case, party, asset], read).await
}

/// The newest notices of a case, of one party or of all, at most `limit`.
///
/// # Errors
/// [`StoreError`]
pub async fn newest_of_case(
    tx: &mut Tx,
    case: CaseId,
    party: Option<PartyId>,
    limit: u32,
) -> Result<Vec<Notice>, StoreError> {
    let sql = concat!(
        "select ",
        columns!(),
        " from notices n where n.case_id = $1 and (cast($2 as text) is null or n.party_id = $2)",
        " order by n.id desc limit $3"
    );
    tx.all(sql, params![case, party, i64::from(limit)], read).await
}

/// Notices of a case that are not closed and whose asset's newest inventory no longer has the version,
/// oldest first, at most `limit`. With `all`, every notice of the case that is not closed.
///
/// # Errors
/// [`StoreError`]
pub async fn to_close(tx: &mut Tx, case: CaseId, all: bool, limit: u32) -> Result<Vec<NoticeId>, StoreError> {
    let sql = "select n.id from notices n where n.case_id = $1 and n.state <> 'closed' \
               and (cast($2 as bigint) = 1 or not exists (select 1 from inventories i \
               join inventory_components c on c.inventory_id = i.id where i.current = 1 \
               and i.party_id = n.party_id and i.asset = n.asset and c.purl = n.purl and c.version = n.version)) \
               order by n.id limit $3";
    tx.all(sql, params![case, all, i64::from(limit)], |row| row.fields("notices").parsed()).await
}

/// The notices of a case, oldest first: for staff and for the job that sends them.
///
/// # Errors
/// [`StoreError`]
pub async fn by_case(tx: &mut Tx, case: CaseId) -> Result<Vec<Notice>, StoreError> {
    let sql = concat!("select ", columns!(), " from notices n where n.case_id = $1 order by n.id");
    tx.all(sql, params![case], read).await
}

/// The notices about an asset that are not closed, oldest first.
///
/// # Errors
/// [`StoreError`]
pub async fn open_of_asset(tx: &mut Tx, party: PartyId, asset: &str) -> Result<Vec<Notice>, StoreError> {
    let sql = concat!(
        "select ",
        columns!(),
        " from notices n where n.party_id = $1 and n.asset = $2 and n.state <> 'closed' order by n.id"
    );
    tx.all(sql, params![party, asset], read).await
}

/// One page of a party's own notices, of cases that the viewer may know of. Being staff opens no
/// other party's notices.
///
/// # Errors
/// [`StoreError`]
pub async fn list_visible(
    tx: &mut Tx,
    party: PartyId,
    viewer: Viewer,
    state: Option<NoticeState>,
    page: &Page,
) -> Result<Listed<Notice>, StoreError> {
    let sql = concat!(
        "select ",
        columns!(),
        " from notices n join cases c on c.id = n.case_id where n.party_id = $1",
        " and (c.public = 1 or cast($2 as bigint) = 1 or exists (select 1 from read_ins r",
        " where r.case_id = c.id and r.member_id = $3 and r.ended_at is null and r.until > $4))",
        " and (cast($5 as text) is null or n.state = $5) and (cast($6 as text) is null or n.id < $6)",
        " order by n.id desc limit $7"
    );
    let params = params![
        party,
        viewer.staff,
        viewer.member,
        viewer.now,
        state.map(NoticeState::as_str),
        page.before::<NoticeKind>()?,
        page.fetch(),
    ];
    Ok(Listed::cut(tx.all(sql, params, read).await?, page, |n| n.id))
}

/// Writes an operator's answer; false when there is no such notice or it is closed.
///
/// # Errors
/// [`StoreError`]
pub async fn answer(tx: &mut Tx, id: NoticeId, answer: &Answer, at: Timestamp) -> Result<bool, StoreError> {
    let sql = "update notices set state = $2, justification = $3, note = $4, updated_at = $5 \
               where id = $1 and state <> 'closed'";
    let justification = answer.justification.map(VexJustification::as_str);
    tx.changed(sql, params![id, answer.state.as_str(), justification, &answer.note, at]).await
}

/// Closes a notice; false when there is none or it is closed.
///
/// # Errors
/// [`StoreError`]
pub async fn close(tx: &mut Tx, id: NoticeId, reason: &str, at: Timestamp) -> Result<bool, StoreError> {
    let sql = "update notices set state = 'closed', closed_at = $2, closed_reason = $3, updated_at = $2 \
               where id = $1 and state <> 'closed'";
    tx.changed(sql, params![id, at, reason]).await
}
