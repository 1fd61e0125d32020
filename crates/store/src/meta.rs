//! Single facts about this clearinghouse: which feeds were read when, who it says it is.
//!
//! Must not hold secrets.

use crate::error::StoreError;
use crate::tx::Tx;
use crate::value::params;

/// Reads a fact.
///
/// # Errors
/// [`StoreError`]
pub async fn get(tx: &mut Tx, key: &str) -> Result<Option<String>, StoreError> {
    tx.one("select value from meta where key = $1", params![key], |row| row.fields("meta").text()).await
}

/// Writes or replaces a fact.
///
/// # Errors
/// [`StoreError`]
pub async fn set(tx: &mut Tx, key: &str, value: &str) -> Result<(), StoreError> {
    let sql = "insert into meta (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value";
    tx.execute(sql, params![key, value]).await?;
    Ok(())
}

/// Writes a fact unless it is there; gives what stands. Of two that write at once, the second waits
/// and is given the first one's.
///
/// # Errors
/// [`StoreError`]
pub async fn set_first(tx: &mut Tx, key: &str, value: &str) -> Result<String, StoreError> {
    let sql = "insert into meta (key, value) values ($1, $2) on conflict (key) do nothing";
    tx.execute(sql, params![key, value]).await?;
    Ok(get(tx, key).await?.unwrap_or_else(|| value.to_owned()))
}
