//! The outbox: letters that are to go out, and what became of each.
//!
//! A letter says what it is about and to whom, not what it says: that is written when it is sent. Must not decide whether it is.

use domain::id::{LetterId, LetterKind as LetterIdKind, PartyId, RegistrationId};
use domain::time::Timestamp;

use crate::error::StoreError;
use crate::page::{Listed, Page};
use crate::tx::Tx;
use crate::value::{Row, params};

domain::words! {
    /// What a letter is about.
    pub enum LetterKind {
        /// A case that was handed over to a maintainer.
        Case = "case",
        /// The address of a maintainer that registers.
        Registration = "registration",
    }
}

domain::words! {
    /// What became of a letter.
    pub enum LetterState {
        /// It is to be sent.
        Waiting = "waiting",
        /// Another mail server took it.
        Sent = "sent",
        /// It was not sent, because there was nothing to tell any more.
        Dropped = "dropped",
        /// It could not be sent; somebody must look.
        Undelivered = "undelivered",
    }
}

/// A letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its identity.
    pub id: LetterId,
    /// What it is about.
    pub kind: LetterKind,
    /// Which one: an id.
    pub about: String,
    /// The party it is for, if it is one.
    pub party_id: Option<PartyId>,
    /// What became of it.
    pub state: LetterState,
    /// The address it was last sent to, or was to be.
    pub sent_to: Option<String>,
    /// How often it was tried.
    pub tries: i64,
    /// Why it was not sent, or not yet.
    pub reason: Option<String>,
    /// Since when it waits.
    pub created_at: Timestamp,
    /// When it was last tried.
    pub tried_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
}

macro_rules! columns {
    () => {
        "id, kind, about, party_id, state, sent_to, tries, reason, created_at, tried_at, ended_at"
    };
}

fn read(row: &Row) -> Result<Letter, StoreError> {
    let mut f = row.fields("letters");
    Ok(Letter {
        id: f.parsed()?,
        kind: f.parsed()?,
        about: f.text()?,
        party_id: f.parsed_opt()?,
        state: f.parsed()?,
        sent_to: f.text_opt()?,
        tries: f.int()?,
        reason: f.text_opt()?,
        created_at: f.time()?,
        tried_at: f.time_opt()?,
        ended_at: f.time_opt()?,
    })
}

/// Writes a letter.
///
/// # Errors
/// [`StoreError`]
pub async fn insert(tx: &mut Tx, l: &Letter) -> Result<(), StoreError> {
    let sql = concat!("insert into letters (", columns!(), ") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");
    let params = params![
        l.id,
        l.kind.as_str(),
        &l.about,
        l.party_id,
        l.state.as_str(),
        &l.sent_to,
        l.tries,
        &l.reason,
        l.created_at,
        l.tried_at,
        l.ended_at,
    ];
    tx.execute(sql, params).await?;
    Ok(())
}

/// Reads a letter.
///
/// # Errors
/// [`StoreError`]
pub async fn by_id(tx: &mut Tx, id: LetterId) -> Result<Option<Letter>, StoreError> {
    tx.one(concat!("select ", columns!(), " from letters where id = $1"), params![id], read).await
}

/// Writes how a letter stands after something was done with it; false when it was over before.
///
/// # Errors
/// [`StoreError`]
pub async fn put(tx: &mut Tx, l: &Letter) -> Result<bool, StoreError> {
    let sql = "update letters set state = $2, sent_to = $3, tries = $4, reason = $5, tried_at = $6, ended_at = $7 \
               where id = $1 and state = 'waiting'";
    let params = params![l.id, l.state.as_str(), &l.sent_to, l.tries, &l.reason, l.tried_at, l.ended_at];
    tx.changed(sql, params).await
}

/// The registrations that a letter was left for after a moment, each as often as that, with their contacts. Nobody else leaves one
/// before the end of the transaction.
///
/// # Errors
/// [`StoreError`]
pub async fn of_registrations(tx: &mut Tx, after: Timestamp) -> Result<Vec<(RegistrationId, String)>, StoreError> {
    tx.lock_name("letters of registrations").await?;
    let sql = "select r.id, r.contact from letters l join registrations r on r.id = l.about \
               where l.kind = 'registration' and l.state <> 'dropped' and l.created_at > $1 order by l.id";
    let read_one = |row: &Row| {
        let mut f = row.fields("letters");
        Ok((f.parsed()?, f.text()?))
    };
    tx.all(sql, params![after], read_one).await
}

/// One page of letters, newest first: those in one state, or all.
///
/// # Errors
/// [`StoreError`]
pub async fn list(tx: &mut Tx, state: Option<LetterState>, page: &Page) -> Result<Listed<Letter>, StoreError> {
    let sql = concat!(
        "select ",
        columns!(),
        " from letters where (cast($1 as text) is null or state = $1) and (cast($2 as text) is null or id < $2)",
        " order by id desc limit $3"
    );
    let before = page.before::<LetterIdKind>()?;
    let state = state.map(|s| s.as_str());
    let items = tx.all(sql, params![state, before, page.fetch()], read).await?;
    Ok(Listed::cut(items, page, |l| l.id))
}
