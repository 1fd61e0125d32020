//! Parties, the packages they maintain, their members and their tokens.
//!
//! A token is stored as its hash only. Must not decide what a token allows.

use domain::id::{MemberId, PartyId, TokenId};
use domain::party::{Role, TokenScope};
use domain::time::Timestamp;

use crate::error::StoreError;
use crate::page::{Listed, Page};
use crate::tx::Tx;
use crate::value::{Fields, Row, params};

/// An organisation or person that takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Its identity.
    pub id: PartyId,
    /// Its name, as shown.
    pub name: String,
    /// The accountable person.
    pub accountable: String,
    /// What it does here.
    pub roles: Vec<Role>,
    /// How it is reached; may be empty.
    pub contact: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// One person or agent of a party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its identity.
    pub id: MemberId,
    /// Its party.
    pub party_id: PartyId,
    /// Its name, as shown.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A bearer token, known by its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its identity, which is no secret.
    pub id: TokenId,
    /// Whose it is.
    pub member_id: MemberId,
    /// The hash of the secret.
    pub hash: Vec<u8>,
    /// What it may be used for.
    pub scopes: Vec<TokenScope>,
    /// What its owner calls it.
    pub label: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was taken back, if it was.
    pub revoked_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Whom a token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// The token; the caller checks its end and whether it was taken back.
    pub token: Token,
    /// Its member.
    pub member: Member,
    /// The member's party.
    pub party: Party,
}

/// Somebody who maintains a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Maintainer {
    /// The party that maintains it.
    pub party_id: PartyId,
    /// One of its members.
    pub member_id: MemberId,
}

fn words<W: ToString>(words: &[W]) -> String {
    words.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn party_fields(f: &mut Fields<'_>) -> Result<Party, StoreError> {
    Ok(Party {
        id: f.parsed()?,
        name: f.text()?,
        accountable: f.text()?,
        roles: f.words()?,
        contact: f.text()?,
        created_at: f.time()?,
    })
}

fn member_fields(f: &mut Fields<'_>) -> Result<Member, StoreError> {
    Ok(Member { id: f.parsed()?, party_id: f.parsed()?, name: f.text()?, created_at: f.time()? })
}

fn token_fields(f: &mut Fields<'_>) -> Result<Token, StoreError> {
    Ok(Token {
        id: f.parsed()?,
        member_id: f.parsed()?,
        hash: f.bytes()?,
        scopes: f.words()?,
        label: f.text()?,
        expires_at: f.time()?,
        revoked_at: f.time_opt()?,
        created_at: f.time()?,
    })
}

fn read_party(row: &Row) -> Result<Party, StoreError> {
    party_fields(&mut row.fields("parties"))
}

fn read_member(row: &Row) -> Result<Member, StoreError> {
    member_fields(&mut row.fields("members"))
}

fn read_token(row: &Row) -> Result<Token, StoreError> {
    token_fields(&mut row.fields("tokens"))
}

fn read_bearer(row: &Row) -> Result<Bearer, StoreError> {
    let f = &mut row.fields("tokens");
    Ok(Bearer { token: token_fields(f)?, member: member_fields(f)?, party: party_fields(f)? })
}

fn read_maintainer(row: &Row) -> Result<Maintainer, StoreError> {
    let f = &mut row.fields("party_packages");
    Ok(Maintainer { party_id: f.parsed()?, member_id: f.parsed()? })
}

/// Writes a party.
///
/// # Errors
/// [`StoreError`]
pub async fn insert(tx: &mut Tx, p: &Party) -> Result<(), StoreError> {
    let params = params![p.id, &p.name, &p.accountable, words(&p.roles), &p.contact, p.created_at];
    let sql = "insert into parties (id, name, accountable, roles, contact, created_at) \
               values ($1, $2, $3, $4, $5, $6)";
    tx.execute(sql, params).await?;
    Ok(())
}

/// Reads a party.
///
/// # Errors
/// [`StoreError`]
pub async fn by_id(tx: &mut Tx, id: PartyId) -> Result<Option<Party>, StoreError> {
    let sql = "select id, name, accountable, roles, contact, created_at from parties where id = $1";
    tx.one(sql, params![id], read_party).await
}

/// One page of parties.
///
/// # Errors
/// [`StoreError`]
pub async fn list(tx: &mut Tx, page: &Page) -> Result<Listed<Party>, StoreError> {
    let sql = "select id, name, accountable, roles, contact, created_at from parties \
               where (cast($1 as text) is null or id < $1) order by id desc limit $2";
    let before = page.before::<domain::id::PartyKind>()?;
    let items = tx.all(sql, params![before, page.fetch()], read_party).await?;
    Ok(Listed::cut(items, page, |p| p.id))
}

/// Says that a party maintains a package (canonical purl without version). Twice is once.
///
/// # Errors
/// [`StoreError`]
pub async fn package_add(tx: &mut Tx, party: PartyId, purl: &str) -> Result<(), StoreError> {
    let sql = "insert into party_packages (party_id, purl) values ($1, $2) on conflict do nothing";
    tx.execute(sql, params![party, purl]).await?;
    Ok(())
}

/// Takes that back; false when it was not said.
///
/// # Errors
/// [`StoreError`]
pub async fn package_remove(tx: &mut Tx, party: PartyId, purl: &str) -> Result<bool, StoreError> {
    tx.changed("delete from party_packages where party_id = $1 and purl = $2", params![party, purl]).await
}

/// The packages a party maintains, in order.
///
/// # Errors
/// [`StoreError`]
pub async fn packages(tx: &mut Tx, party: PartyId) -> Result<Vec<String>, StoreError> {
    let sql = "select purl from party_packages where party_id = $1 order by purl";
    tx.all(sql, params![party], |row| row.fields("party_packages").text()).await
}

/// Whether a party maintains a package.
///
/// # Errors
/// [`StoreError`]
pub async fn maintains(tx: &mut Tx, party: PartyId, purl: &str) -> Result<bool, StoreError> {
    let sql = "select 1 from party_packages where party_id = $1 and purl = $2";
    Ok(tx.query_opt(sql, params![party, purl]).await?.is_some())
}

/// Every member of every party that maintains a package.
///
/// # Errors
/// [`StoreError`]
pub async fn maintainers(tx: &mut Tx, purl: &str) -> Result<Vec<Maintainer>, StoreError> {
    let sql = "select p.party_id, m.id from party_packages p join members m on m.party_id = p.party_id \
               where p.purl = $1 order by p.party_id, m.id";
    tx.all(sql, params![purl], read_maintainer).await
}

/// Writes a member.
///
/// # Errors
/// [`StoreError`]
pub async fn member_insert(tx: &mut Tx, m: &Member) -> Result<(), StoreError> {
    let sql = "insert into members (id, party_id, name, created_at) values ($1, $2, $3, $4)";
    tx.execute(sql, params![m.id, m.party_id, &m.name, m.created_at]).await?;
    Ok(())
}

/// Reads a member.
///
/// # Errors
/// [`StoreError`]
pub async fn member_by_id(tx: &mut Tx, id: MemberId) -> Result<Option<Member>, StoreError> {
    tx.one("select id, party_id, name, created_at from members where id = $1", params![id], read_member).await
}

/// The members of a party, oldest first.
///
/// # Errors
/// [`StoreError`]
pub async fn members(tx: &mut Tx, party: PartyId) -> Result<Vec<Member>, StoreError> {
    let sql = "select id, party_id, name, created_at from members where party_id = $1 order by id";
    tx.all(sql, params![party], read_member).await
}

/// Writes a token.
///
/// # Errors
/// [`StoreError::Conflict`] when its hash is there already.
pub async fn token_insert(tx: &mut Tx, t: &Token) -> Result<(), StoreError> {
    let sql = "insert into tokens (id, member_id, hash, scopes, label, expires_at, revoked_at, created_at) \
               values ($1, $2, $3, $4, $5, $6, $7, $8)";
    let (hash, scopes) = (t.hash.as_slice(), words(&t.scopes));
    tx.execute(sql, params![t.id, t.member_id, hash, scopes, &t.label, t.expires_at, t.revoked_at, t.created_at])
        .await?;
    Ok(())
}

/// Whom the token with this hash stands for, ended or not.
///
/// # Errors
/// [`StoreError`]
pub async fn bearer_by_hash(tx: &mut Tx, hash: &[u8]) -> Result<Option<Bearer>, StoreError> {
    let sql = "select t.id, t.member_id, t.hash, t.scopes, t.label, t.expires_at, t.revoked_at, t.created_at, \
               m.id, m.party_id, m.name, m.created_at, \
               p.id, p.name, p.accountable, p.roles, p.contact, p.created_at \
               from tokens t join members m on m.id = t.member_id join parties p on p.id = m.party_id \
               where t.hash = $1";
    tx.one(sql, params![hash], read_bearer).await
}

/// Reads a token.
///
/// # Errors
/// [`StoreError`]
pub async fn token_by_id(tx: &mut Tx, id: TokenId) -> Result<Option<Token>, StoreError> {
    let sql = "select id, member_id, hash, scopes, label, expires_at, revoked_at, created_at \
               from tokens where id = $1";
    tx.one(sql, params![id], read_token).await
}

/// The tokens of a member, oldest first.
///
/// # Errors
/// [`StoreError`]
pub async fn tokens(tx: &mut Tx, member: MemberId) -> Result<Vec<Token>, StoreError> {
    let sql = "select id, member_id, hash, scopes, label, expires_at, revoked_at, created_at \
               from tokens where member_id = $1 order by id";
    tx.all(sql, params![member], read_token).await
}

/// Takes a token back; false when there is none or it was taken back before.
///
/// # Errors
/// [`StoreError`]
pub async fn token_revoke(tx: &mut Tx, id: TokenId, at: Timestamp) -> Result<bool, StoreError> {
    tx.changed("update tokens set revoked_at = $2 where id = $1 and revoked_at is null", params![id, at]).await
}

/// The member of the oldest coordinator: whoever started this clearinghouse.
///
/// # Errors
/// [`StoreError`]
pub async fn first_coordinator(tx: &mut Tx) -> Result<Option<MemberId>, StoreError> {
    let sql = "select m.id from members m join parties p on p.id = m.party_id \
               where p.roles like '%coordinator%' order by m.id limit 1";
    tx.one(sql, params![], |row| row.fields("members").parsed()).await
}
