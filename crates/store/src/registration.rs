//! Maintainers that ask to take part: what they say of themselves, what was verified of it, and what a coordinator decided.
//!
//! Secrets are stored as hashes, the token of an e-mail sealed. Must not decide whether anything is verified.

use domain::id::{MemberId, PartyId, RegistrationId, RegistrationKind};
use domain::time::Timestamp;

use crate::error::StoreError;
use crate::page::{Listed, Page};
use crate::tx::Tx;
use crate::value::{Row, params};

domain::words! {
    /// Where a registration stands.
    pub enum RegistrationState {
        /// It waits for its verification, or for a coordinator.
        Open = "open",
        /// A coordinator made it a party.
        Accepted = "accepted",
        /// A coordinator said no.
        Declined = "declined",
        /// Nobody decided within its time.
        Expired = "expired",
    }
}

domain::words! {
    /// How something of a registration is verified.
    pub enum Way {
        /// A token that was sent to the contact came back.
        Email = "email",
        /// A file stood at a URL.
        File = "file",
        /// A TXT record stood in a domain.
        Dns = "dns",
    }
}

/// A maintainer that asks to take part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Its identity.
    pub id: RegistrationId,
    /// The hash of the secret with which it comes back.
    pub secret_hash: Vec<u8>,
    /// The party's name.
    pub name: String,
    /// The accountable person.
    pub accountable: String,
    /// Its e-mail address.
    pub contact: String,
    /// The packages it says it maintains: JSON list of canonical purls.
    pub packages: String,
    /// Where it would put a file.
    pub file_url: Option<String>,
    /// The domain in which it would put a record.
    pub domain: Option<String>,
    /// What file and record must hold.
    pub challenge: String,
    /// The token of the newest letter, sealed, in hex; none when there is none that counts.
    pub email_sealed: Option<String>,
    /// Until when that counts.
    pub email_until: Option<Timestamp>,
    /// Letters that were asked for.
    pub email_letters: i64,
    /// Wrong tokens since the last letter.
    pub email_misses: i64,
    /// Checks that were asked for, of any way.
    pub checks: i64,
    /// Where it stands.
    pub state: RegistrationState,
    /// The party it became.
    pub party_id: Option<PartyId>,
    /// Who decided.
    pub decided_by: Option<MemberId>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// Why not.
    pub reason: Option<String>,
    /// When its first token was given out.
    pub claimed_at: Option<Timestamp>,
    /// When it came.
    pub created_at: Timestamp,
}

/// Something of a registration that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// How.
    pub way: Way,
    /// What: an address, a URL or a domain.
    pub subject: String,
    /// When.
    pub at: Timestamp,
}

/// Where a party comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The coordinator who made it, and vouches for it, or accepted it.
    pub by: MemberId,
    /// The registration it was, if it registered itself.
    pub registration_id: Option<RegistrationId>,
}

macro_rules! columns {
    () => {
        "id, secret_hash, name, accountable, contact, packages, file_url, domain, challenge, email_sealed, email_until, \
         email_letters, email_misses, checks, state, party_id, decided_by, decided_at, reason, claimed_at, \
         created_at"
    };
}

fn read(row: &Row) -> Result<Registration, StoreError> {
    let mut f = row.fields("registrations");
    Ok(Registration {
        id: f.parsed()?,
        secret_hash: f.bytes()?,
        name: f.text()?,
        accountable: f.text()?,
        contact: f.text()?,
        packages: f.text()?,
        file_url: f.text_opt()?,
        domain: f.text_opt()?,
        challenge: f.text()?,
        email_sealed: f.text_opt()?,
        email_until: f.time_opt()?,
        email_letters: f.int()?,
        email_misses: f.int()?,
        checks: f.int()?,
        state: f.parsed()?,
        party_id: f.parsed_opt()?,
        decided_by: f.parsed_opt()?,
        decided_at: f.time_opt()?,
        reason: f.text_opt()?,
        claimed_at: f.time_opt()?,
        created_at: f.time()?,
    })
}

fn read_verification(row: &Row) -> Result<Verification, StoreError> {
    let mut f = row.fields("registration_verifications");
    Ok(Verification { way: f.parsed()?, subject: f.text()?, at: f.time()? })
}

fn read_origin(row: &Row) -> Result<Origin, StoreError> {
    let mut f = row.fields("party_origins");
    Ok(Origin { by: f.parsed()?, registration_id: f.parsed_opt()? })
}

/// Writes a new registration.
///
/// # Errors
/// [`StoreError`]
pub async fn insert(tx: &mut Tx, r: &Registration) -> Result<(), StoreError> {
    let sql = "insert into registrations (id, secret_hash, name, accountable, contact, packages, file_url, domain, challenge, \
               email_letters, email_misses, checks, state, created_at) \
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, 0, 'open', $10)";
    let params = params![
        r.id,
        r.secret_hash.as_slice(),
        &r.name,
        &r.accountable,
        &r.contact,
        &r.packages,
        &r.file_url,
        &r.domain,
        &r.challenge,
        r.created_at,
    ];
    tx.execute(sql, params).await?;
    Ok(())
}

/// Reads a registration.
///
/// # Errors
/// [`StoreError`]
pub async fn by_id(tx: &mut Tx, id: RegistrationId) -> Result<Option<Registration>, StoreError> {
    tx.one(concat!("select ", columns!(), " from registrations where id = $1"), params![id], read).await
}

/// Reads a registration that nobody else changes until the end of the transaction.
///
/// # Errors
/// [`StoreError`]
pub async fn by_id_locked(tx: &mut Tx, id: RegistrationId) -> Result<Option<Registration>, StoreError> {
    tx.lock_name(&format!("registration {id}")).await?;
    by_id(tx, id).await
}

/// Writes everything that changes of a registration. Read it locked before.
///
/// # Errors
/// [`StoreError`]
pub async fn put(tx: &mut Tx, r: &Registration) -> Result<(), StoreError> {
    let sql = "update registrations set email_sealed = $2, email_until = $3, email_letters = $4, email_misses = $5, checks = $6, \
               state = $7, party_id = $8, decided_by = $9, decided_at = $10, reason = $11, claimed_at = $12 where id = $1";
    let params = params![
        r.id,
        &r.email_sealed,
        r.email_until,
        r.email_letters,
        r.email_misses,
        r.checks,
        r.state.as_str(),
        r.party_id,
        r.decided_by,
        r.decided_at,
        &r.reason,
        r.claimed_at,
    ];
    tx.execute(sql, params).await?;
    Ok(())
}

/// How many are open.
///
/// # Errors
/// [`StoreError`]
pub async fn open_count(tx: &mut Tx) -> Result<i64, StoreError> {
    let sql = "select count(*) from registrations where state = 'open'";
    Ok(tx.one(sql, &[], |row| row.fields("registrations").int()).await?.unwrap_or(0))
}

/// Ends the oldest open one of which nothing was verified, to make room; false when there is none.
///
/// # Errors
/// [`StoreError`]
pub async fn oldest_unverified_expire(tx: &mut Tx, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "update registrations set state = 'expired', decided_at = $1, email_sealed = null where id = \
               (select min(r.id) from registrations r where r.state = 'open' and not exists \
               (select 1 from registration_verifications v where v.registration_id = r.id))";
    tx.changed(sql, params![now]).await
}

/// One page of registrations, newest first: those in one state, or all.
///
/// # Errors
/// [`StoreError`]
pub async fn list(
    tx: &mut Tx,
    state: Option<RegistrationState>,
    page: &Page,
) -> Result<Listed<Registration>, StoreError> {
    let sql = concat!(
        "select ",
        columns!(),
        " from registrations where (cast($1 as text) is null or state = $1) and (cast($2 as text) is null or id < $2)",
        " order by id desc limit $3"
    );
    let before = page.before::<RegistrationKind>()?;
    let state = state.map(|s| s.as_str());
    let items = tx.all(sql, params![state, before, page.fetch()], read).await?;
    Ok(Listed::cut(items, page, |r| r.id))
}

/// Ends what is open and came before `before`, and before `unverified_before` where nothing of it was verified; how many.
///
/// # Errors
/// [`StoreError`]
pub async fn expire(
    tx: &mut Tx,
    before: Timestamp,
    unverified_before: Timestamp,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let sql = "update registrations set state = 'expired', decided_at = $3, email_sealed = null \
               where state = 'open' and (created_at < $1 or created_at < $2 and not exists \
               (select 1 from registration_verifications v where v.registration_id = registrations.id))";
    tx.execute(sql, params![before, unverified_before, now]).await
}

/// Writes that something was verified; a second time is the newer one.
///
/// # Errors
/// [`StoreError`]
pub async fn verify(tx: &mut Tx, id: RegistrationId, v: &Verification) -> Result<(), StoreError> {
    let sql = "insert into registration_verifications (registration_id, way, subject, at) values ($1, $2, $3, $4) \
               on conflict (registration_id, way) do update set subject = excluded.subject, at = excluded.at";
    tx.execute(sql, params![id, v.way.as_str(), &v.subject, v.at]).await?;
    Ok(())
}

/// What was verified of a registration, oldest first.
///
/// # Errors
/// [`StoreError`]
pub async fn verifications(tx: &mut Tx, id: RegistrationId) -> Result<Vec<Verification>, StoreError> {
    let sql = "select way, subject, at from registration_verifications where registration_id = $1 order by at, way";
    tx.all(sql, params![id], read_verification).await
}

/// Writes where a new party comes from.
///
/// # Errors
/// [`StoreError`]
pub async fn origin_insert(tx: &mut Tx, party: PartyId, origin: Origin) -> Result<(), StoreError> {
    let sql = "insert into party_origins (party_id, by_member, registration_id) values ($1, $2, $3)";
    tx.execute(sql, params![party, origin.by, origin.registration_id]).await?;
    Ok(())
}

/// Where a party comes from; none for one that is older than this was noted, and for the first coordinator.
///
/// # Errors
/// [`StoreError`]
pub async fn origin(tx: &mut Tx, party: PartyId) -> Result<Option<Origin>, StoreError> {
    let sql = "select by_member, registration_id from party_origins where party_id = $1";
    tx.one(sql, params![party], read_origin).await
}
