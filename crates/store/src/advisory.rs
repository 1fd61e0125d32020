//! Advisories and every revision of their documents; a revision is never overwritten.
//!
//! Must not publish: the service sets the case public in the same transaction.

use domain::advisory::{AdvisoryFormat, AdvisoryState};
use domain::id::{AdvisoryId, AdvisoryKind, CaseId};
use domain::time::Timestamp;

use crate::error::StoreError;
use crate::page::{Listed, Page};
use crate::tx::Tx;
use crate::value::{Row, params};

/// The published record of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advisory {
    /// Its identity.
    pub id: AdvisoryId,
    /// Its public name, `PH-2026-…`.
    pub name: String,
    /// Of which case.
    pub case_id: CaseId,
    /// Whether it stands.
    pub state: AdvisoryState,
    /// The newest revision, from 1.
    pub revision: i64,
    /// When revision 1 came out.
    pub published_at: Timestamp,
    /// When the newest revision came out.
    pub modified_at: Timestamp,
    /// When it was taken back, if it was.
    pub withdrawn_at: Option<Timestamp>,
    /// Why.
    pub withdrawn_reason: Option<String>,
}

/// One document of one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdvisoryDocument {
    /// Of which advisory.
    pub advisory_id: AdvisoryId,
    /// Which revision.
    pub revision: i64,
    /// Which format.
    pub format: AdvisoryFormat,
    /// The name under which it is served.
    pub filename: String,
    /// The document, exactly as signed.
    pub body: String,
    /// Its detached signature, as text.
    pub signature: String,
    /// When it was written.
    pub created_at: Timestamp,
}

macro_rules! columns {
    () => {
        "id, name, case_id, state, revision, published_at, modified_at, withdrawn_at, withdrawn_reason"
    };
}

macro_rules! document_columns {
    () => {
        "advisory_id, revision, format, filename, body, signature, created_at"
    };
}

fn read(row: &Row) -> Result<Advisory, StoreError> {
    let mut f = row.fields("advisories");
    Ok(Advisory {
        id: f.parsed()?,
        name: f.text()?,
        case_id: f.parsed()?,
        state: f.parsed()?,
        revision: f.int()?,
        published_at: f.time()?,
        modified_at: f.time()?,
        withdrawn_at: f.time_opt()?,
        withdrawn_reason: f.text_opt()?,
    })
}

fn read_document(row: &Row) -> Result<AdvisoryDocument, StoreError> {
    let mut f = row.fields("advisory_documents");
    Ok(AdvisoryDocument {
        advisory_id: f.parsed()?,
        revision: f.int()?,
        format: f.parsed()?,
        filename: f.text()?,
        body: f.text()?,
        signature: f.text()?,
        created_at: f.time()?,
    })
}

/// Writes an advisory.
///
/// # Errors
/// [`StoreError::Conflict`] when its case has one or its name is taken.
pub async fn insert(tx: &mut Tx, a: &Advisory) -> Result<(), StoreError> {
    let sql = concat!("insert into advisories (", columns!(), ") values ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    let params = params![
        a.id,
        &a.name,
        a.case_id,
        a.state.as_str(),
        a.revision,
        a.published_at,
        a.modified_at,
        a.withdrawn_at,
        &a.withdrawn_reason,
    ];
    tx.execute(sql, params).await?;
    Ok(())
}

/// Moves an advisory from revision `from` to the next; false when it stands elsewhere.
///
/// # Errors
/// [`StoreError`]
pub async fn revise(tx: &mut Tx, id: AdvisoryId, from: i64, at: Timestamp) -> Result<bool, StoreError> {
    let sql = "update advisories set revision = revision + 1, modified_at = $3 where id = $1 and revision = $2";
    tx.changed(sql, params![id, from, at]).await
}

/// Takes an advisory back; false when there is none or it was taken back before. It stays
/// readable, and the service writes one more revision of its documents.
///
/// # Errors
/// [`StoreError`]
pub async fn withdraw(tx: &mut Tx, id: AdvisoryId, reason: &str, at: Timestamp) -> Result<bool, StoreError> {
    let sql = "update advisories set state = 'withdrawn', withdrawn_at = $2, withdrawn_reason = $3 \
               where id = $1 and state = 'published'";
    tx.changed(sql, params![id, at, reason]).await
}

/// Reads an advisory.
///
/// # Errors
/// [`StoreError`]
pub async fn by_id(tx: &mut Tx, id: AdvisoryId) -> Result<Option<Advisory>, StoreError> {
    tx.one(concat!("select ", columns!(), " from advisories where id = $1"), params![id], read).await
}

/// The advisory with this public name.
///
/// # Errors
/// [`StoreError`]
pub async fn by_name(tx: &mut Tx, name: &str) -> Result<Option<Advisory>, StoreError> {
    tx.one(concat!("select ", columns!(), " from advisories where name = $1"), params![name], read).await
}

/// The advisory of a case, once it has one.
///
/// # Errors
/// [`StoreError`]
pub async fn by_case(tx: &mut Tx, case: CaseId) -> Result<Option<Advisory>, StoreError> {
    tx.one(concat!("select ", columns!(), " from advisories where case_id = $1"), params![case], read).await
}

/// One page of all advisories: every one is public, also when taken back.
///
/// # Errors
/// [`StoreError`]
pub async fn list(tx: &mut Tx, page: &Page) -> Result<Listed<Advisory>, StoreError> {
    let sql = concat!(
        "select ",
        columns!(),
        " from advisories where (cast($1 as text) is null or id < $1) order by id desc limit $2"
    );
    let items = tx.all(sql, params![page.before::<AdvisoryKind>()?, page.fetch()], read).await?;
    Ok(Listed::cut(items, page, |a| a.id))
}

/// Writes one document of one revision.
///
/// # Errors
/// [`StoreError::Conflict`] when that revision has a document of that format.
pub async fn document_insert(tx: &mut Tx, d: &AdvisoryDocument) -> Result<(), StoreError> {
    let sql = concat!("insert into advisory_documents (", document_columns!(), ") values ($1, $2, $3, $4, $5, $6, $7)");
    let format = d.format.as_str();
    let params = params![d.advisory_id, d.revision, format, &d.filename, &d.body, &d.signature, d.created_at];
    tx.execute(sql, params).await?;
    Ok(())
}

/// The newest document of a format.
///
/// # Errors
/// [`StoreError`]
pub async fn document_latest(
    tx: &mut Tx,
    id: AdvisoryId,
    format: AdvisoryFormat,
) -> Result<Option<AdvisoryDocument>, StoreError> {
    let sql = concat!(
        "select ",
        document_columns!(),
        " from advisory_documents where advisory_id = $1 and format = $2 order by revision desc limit 1"
    );
    tx.one(sql, params![id, format.as_str()], read_document).await
}

/// Every document of every revision, oldest first.
///
/// # Errors
/// [`StoreError`]
pub async fn documents(tx: &mut Tx, id: AdvisoryId) -> Result<Vec<AdvisoryDocument>, StoreError> {
    let sql = concat!(
        "select ",
        document_columns!(),
        " from advisory_documents where advisory_id = $1 order by revision, format"
    );
    tx.all(sql, params![id], read_document).await
}
