//! What became of each finder's proofs, and how many of its reports wait unvalidated: counted as they change.
//!
//! One row for each party, taken by whoever changes it to the end of its transaction, and last of all rows that are held. Must not
//! say what follows from the counts: `domain::standing` does.

use std::collections::BTreeMap;

use domain::id::{CaseId, FindingId, PartyId};
use domain::standing::Record;

use crate::dialect::rows;
use crate::error::StoreError;
use crate::tx::Tx;
use crate::value::{Fields, Row, Value, params};

domain::words! {
    /// As what a finding counts for its finder.
    pub enum Counted {
        /// Its proof held.
        Proved = "proved",
        /// Its proof was run and did not hold.
        Unproved = "unproved",
    }
}

/// What is counted of one party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// What became of its proofs.
    pub record: Record,
    /// Its reports that are not done.
    pub waiting: u32,
}

fn counts(f: &mut Fields<'_>) -> Result<Counts, StoreError> {
    let mut count = || f.int().map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    Ok(Counts { record: Record { proved: count()?, unproved: count()? }, waiting: count()? })
}

fn read(row: &Row) -> Result<Counts, StoreError> {
    counts(&mut row.fields("standings"))
}

/// What is counted of a party; all nothing for one that never reported.
///
/// # Errors
/// [`StoreError`]
pub async fn of(tx: &mut Tx, party: PartyId) -> Result<Counts, StoreError> {
    let sql = "select proved, unproved, waiting from standings where party_id = $1";
    Ok(tx.one(sql, params![party], read).await?.unwrap_or_default())
}

/// Counts more reports that wait, so many for each party, no party twice; gives the counts with them. Nobody else can count one for
/// these parties before the end of the transaction. Parties are held in their order, so that two who hold several wait for each other
/// in a line.
///
/// # Errors
/// [`StoreError`]
pub async fn wait_begin(tx: &mut Tx, more: &BTreeMap<PartyId, u32>) -> Result<BTreeMap<PartyId, Counts>, StoreError> {
    if more.is_empty() {
        return Ok(BTreeMap::new());
    }
    let sql = format!(
        "insert into standings (party_id, proved, unproved, waiting) values {} \
         on conflict (party_id) do update set waiting = standings.waiting + excluded.waiting \
         returning party_id, proved, unproved, waiting",
        rows(more.len(), "($, 0, 0, $)")
    );
    let values: Vec<Value<'_>> = more.iter().flat_map(|(party, by)| [(*party).into(), i64::from(*by).into()]).collect();
    let read_one = |row: &Row| {
        let mut f = row.fields("standings");
        Ok((f.parsed()?, counts(&mut f)?))
    };
    Ok(tx.all(&sql, &values, read_one).await?.into_iter().collect())
}

/// Counts reports that begin or cease to wait after they were taken in.
///
/// # Errors
/// [`StoreError`]
pub async fn waiting_change(tx: &mut Tx, party: PartyId, by: i64) -> Result<(), StoreError> {
    tx.put("update standings set waiting = waiting + $2 where party_id = $1", params![party, by]).await?;
    Ok(())
}

type Before = (PartyId, Option<CaseId>, Option<Counted>);

fn read_before(row: &Row) -> Result<Before, StoreError> {
    let mut f = row.fields("findings");
    Ok((f.parsed()?, f.parsed_opt()?, f.parsed_opt()?))
}

/// Counts what a finding's proof showed, in place of what it counted as before. A proved one in a case in which its party has
/// another that counts is not counted: one defect is one, however often it is sent.
///
/// # Errors
/// [`StoreError`]
pub async fn count(tx: &mut Tx, finding: FindingId, counted: Counted) -> Result<(), StoreError> {
    let sql = "select party_id, case_id, counted from findings where id = $1 for update";
    let Some((party, case, before)) = tx.one(sql, params![finding], read_before).await? else { return Ok(()) };
    // Held from here on, so that two findings of one party in one case are counted one after the other.
    let sql = "insert into standings (party_id, proved, unproved, waiting) values ($1, 0, 0, 0) \
               on conflict (party_id) do update set waiting = standings.waiting";
    tx.execute(sql, params![party]).await?;
    let sql =
        "select id from findings where case_id = $1 and party_id = $2 and counted = 'proved' and id <> $3 limit 1";
    let again = counted == Counted::Proved && tx.query_opt(sql, params![case, party, finding]).await?.is_some();
    let counted = Some(counted).filter(|_| !again);
    if counted == before {
        return Ok(());
    }
    let sql = "update findings set counted = $2 where id = $1";
    tx.execute(sql, params![finding, counted.map(Counted::as_str)]).await?;
    let change = |of| i64::from(counted == Some(of)) - i64::from(before == Some(of));
    let sql = "update standings set proved = proved + $2, unproved = unproved + $3 where party_id = $1";
    tx.execute(sql, params![party, change(Counted::Proved), change(Counted::Unproved)]).await?;
    Ok(())
}
