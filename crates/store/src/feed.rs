//! What CISA says of CVEs: the KEV list and SSVC points.
//!
//! Must not read the feeds: crate `formats` does. A CVE that left a feed stays until replaced.

use domain::deadline::{Automatable, TechnicalImpact};
use domain::time::Timestamp;

use crate::error::StoreError;
use crate::tx::Tx;
use crate::value::{Row, Value, params};

/// Rows written by one statement.
const ROWS_PER_INSERT: usize = 100;

/// One line of the KEV list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KevEntry {
    /// The CVE id.
    pub cve: String,
    /// When it was listed.
    pub listed_at: Timestamp,
}

/// The SSVC points of one CVE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsvcPoints {
    /// The CVE id.
    pub cve: String,
    /// Automatable, if given.
    pub automatable: Option<Automatable>,
    /// Technical Impact, if given.
    pub technical_impact: Option<TechnicalImpact>,
    /// Exploitation as the feed spells it, if given.
    pub exploitation: Option<String>,
}

fn read_kev(row: &Row) -> Result<KevEntry, StoreError> {
    let mut f = row.fields("kev");
    Ok(KevEntry { cve: f.text()?, listed_at: f.time()? })
}

fn read_ssvc(row: &Row) -> Result<SsvcPoints, StoreError> {
    let mut f = row.fields("ssvc_points");
    Ok(SsvcPoints {
        cve: f.text()?,
        automatable: f.parsed_opt()?,
        technical_impact: f.parsed_opt()?,
        exploitation: f.text_opt()?,
    })
}

/// Writes rows in hundreds: `head values (…), (…) tail`. A CVE may stand only once in `rows`.
async fn write(tx: &mut Tx, head: &str, tail: &str, rows: Vec<Vec<Value<'_>>>) -> Result<(), StoreError> {
    let width = rows.first().map_or(0, Vec::len);
    let text = |count: usize| {
        let row = |r: usize| {
            let columns: Vec<String> = (1..=width).map(|c| format!("${}", r * width + c)).collect();
            format!("({})", columns.join(", "))
        };
        format!("{head} values {} {tail}", (0..count).map(row).collect::<Vec<_>>().join(", "))
    };
    let (full, single) = (text(ROWS_PER_INSERT), text(1));
    for chunk in rows.chunks(ROWS_PER_INSERT) {
        if chunk.len() == ROWS_PER_INSERT {
            tx.execute(&full, &chunk.concat()).await?;
        } else {
            for row in chunk {
                tx.execute(&single, row).await?;
            }
        }
    }
    Ok(())
}

/// Keeps the last of each CVE: one statement may not write a row twice on PostgreSQL.
fn last_of_each<T>(rows: &[T], cve: impl Fn(&T) -> &str) -> Vec<&T> {
    let last: std::collections::BTreeMap<&str, &T> = rows.iter().map(|row| (cve(row), row)).collect();
    last.into_values().collect()
}

/// Writes or replaces lines of the KEV list.
///
/// # Errors
/// [`StoreError`]
pub async fn kev_put(tx: &mut Tx, entries: &[KevEntry]) -> Result<(), StoreError> {
    let rows = last_of_each(entries, |e| &e.cve);
    let rows = rows.into_iter().map(|e| params![&e.cve, e.listed_at].to_vec()).collect();
    let tail = "on conflict (cve) do update set listed_at = excluded.listed_at";
    write(tx, "insert into kev (cve, listed_at)", tail, rows).await
}

/// When KEV listed a CVE, if it did.
///
/// # Errors
/// [`StoreError`]
pub async fn kev(tx: &mut Tx, cve: &str) -> Result<Option<KevEntry>, StoreError> {
    tx.one("select cve, listed_at from kev where cve = $1", params![cve], read_kev).await
}

/// Writes or replaces SSVC points.
///
/// # Errors
/// [`StoreError`]
pub async fn ssvc_put(tx: &mut Tx, points: &[SsvcPoints]) -> Result<(), StoreError> {
    let rows = last_of_each(points, |p| &p.cve);
    let row = |p: &&'_ SsvcPoints| {
        let automatable = p.automatable.map(Automatable::as_str);
        let impact = p.technical_impact.map(TechnicalImpact::as_str);
        vec![
            Value::from(p.cve.clone()),
            Value::from(automatable),
            Value::from(impact),
            Value::from(p.exploitation.clone()),
        ]
    };
    let rows = rows.iter().map(row).collect();
    let head = "insert into ssvc_points (cve, automatable, technical_impact, exploitation)";
    let tail = "on conflict (cve) do update set automatable = excluded.automatable, \
                technical_impact = excluded.technical_impact, exploitation = excluded.exploitation";
    write(tx, head, tail, rows).await
}

/// The SSVC points of a CVE, if there are any.
///
/// # Errors
/// [`StoreError`]
pub async fn ssvc(tx: &mut Tx, cve: &str) -> Result<Option<SsvcPoints>, StoreError> {
    let sql = "select cve, automatable, technical_impact, exploitation from ssvc_points where cve = $1";
    tx.one(sql, params![cve], read_ssvc).await
}
