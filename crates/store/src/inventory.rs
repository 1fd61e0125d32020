//! Inventories and their components, and who runs a package now.
//!
//! Each asset has one current inventory; older ones are kept. Must not decide what is affected:
//! crate `matching` compares versions.

use domain::id::{CaseId, InventoryId, InventoryKind, PartyId};
use domain::inventory::AssetTags;
use domain::time::Timestamp;

use crate::blob::BlobId;
use crate::error::StoreError;
use crate::page::{Listed, Page};
use crate::tx::Tx;
use crate::value::{Fields, Row, Value, params};

/// Components written by one statement.
const COMPONENTS_PER_INSERT: usize = 100;
const COMPONENT_COLUMNS: usize = 7;

/// What one asset runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// Its identity.
    pub id: InventoryId,
    /// Whose it is.
    pub party_id: PartyId,
    /// The operator's name of the asset.
    pub asset: String,
    /// How the asset is placed.
    pub tags: AssetTags,
    /// The format of the document, as `formats` names it.
    pub format: String,
    /// The document, sealed.
    pub document_blob_id: BlobId,
    /// Digest of the document.
    pub digest: String,
    /// Number of components that were read.
    pub components: i64,
    /// What was skipped and why: JSON.
    pub skipped: String,
    /// Whether it is the newest of its asset.
    pub current: bool,
    /// When it was sent.
    pub uploaded_at: Timestamp,
}

/// One component of an inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// The package, canonical and without version; none when it cannot be matched.
    pub purl: Option<String>,
    /// The name as the document gives it.
    pub name: String,
    /// The version, if the document gives one.
    pub version: Option<String>,
    /// Where it is in the document or on the asset; may be empty.
    pub path: String,
    /// Why it cannot be matched, if it cannot.
    pub reason: Option<String>,
}

/// One place where a package runs now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// In which inventory.
    pub inventory_id: InventoryId,
    /// Whose it is.
    pub party_id: PartyId,
    /// On which asset.
    pub asset: String,
    /// How the asset is placed.
    pub tags: AssetTags,
    /// When the inventory was sent.
    pub uploaded_at: Timestamp,
    /// The package.
    pub purl: String,
    /// The version; none when the document gave none.
    pub version: Option<String>,
    /// Where it is; may be empty.
    pub path: String,
}

macro_rules! columns {
    () => {
        "id, party_id, asset, organisation, environment, exposure, asset_type, sector, format, document_blob_id, \
         digest, components, skipped, current, uploaded_at"
    };
}

macro_rules! running {
    () => {
        "select i.id, i.party_id, i.asset, i.organisation, i.environment, i.exposure, i.asset_type, i.sector, \
         i.uploaded_at, c.purl, c.version, c.path from inventory_components c \
         join inventories i on i.id = c.inventory_id where i.current = 1 "
    };
}

fn tags(f: &mut Fields<'_>) -> Result<AssetTags, StoreError> {
    Ok(AssetTags {
        organisation: f.text()?,
        environment: f.text()?,
        exposure: f.parsed()?,
        asset_type: f.text()?,
        sector: f.text()?,
    })
}

fn read(row: &Row) -> Result<Inventory, StoreError> {
    let mut f = row.fields("inventories");
    Ok(Inventory {
        id: f.parsed()?,
        party_id: f.parsed()?,
        asset: f.text()?,
        tags: tags(&mut f)?,
        format: f.text()?,
        document_blob_id: f.parsed()?,
        digest: f.text()?,
        components: f.int()?,
        skipped: f.text()?,
        current: f.flag()?,
        uploaded_at: f.time()?,
    })
}

fn read_component(row: &Row) -> Result<Component, StoreError> {
    let mut f = row.fields("inventory_components");
    Ok(Component {
        purl: f.text_opt()?,
        name: f.text()?,
        version: f.text_opt()?,
        path: f.text()?,
        reason: f.text_opt()?,
    })
}

fn read_running(row: &Row) -> Result<Running, StoreError> {
    let mut f = row.fields("inventory_components");
    Ok(Running {
        inventory_id: f.parsed()?,
        party_id: f.parsed()?,
        asset: f.text()?,
        tags: tags(&mut f)?,
        uploaded_at: f.time()?,
        purl: f.text()?,
        version: f.text_opt()?,
        path: f.text()?,
    })
}

/// Writes an inventory with its components. When it is current, the one before is no longer.
/// Gives the id of that one.
///
/// # Errors
/// [`StoreError`]
pub async fn insert(
    tx: &mut Tx,
    inventory: &Inventory,
    components: &[Component],
) -> Result<Option<InventoryId>, StoreError> {
    let i = inventory;
    // Two uploads for one asset at once: the second waits and retires the first.
    tx.lock_name(&format!("asset {} {}", i.party_id, i.asset)).await?;
    let retire = "update inventories set current = 0 where party_id = $1 and asset = $2 and current = 1 returning id";
    let before = match i.current {
        true => tx.one(retire, params![i.party_id, &i.asset], |row| row.fields("inventories").parsed()).await?,
        false => None,
    };
    let sql = concat!(
        "insert into inventories (",
        columns!(),
        ") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
    );
    let params = params![
        i.id,
        i.party_id,
        &i.asset,
        &i.tags.organisation,
        &i.tags.environment,
        i.tags.exposure.as_str(),
        &i.tags.asset_type,
        &i.tags.sector,
        &i.format,
        i.document_blob_id,
        &i.digest,
        i.components,
        &i.skipped,
        i.current,
        i.uploaded_at,
    ];
    tx.execute(sql, params).await?;
    components_insert(tx, i.id, components).await?;
    Ok(before)
}

async fn components_insert(tx: &mut Tx, id: InventoryId, components: &[Component]) -> Result<(), StoreError> {
    let full = component_sql(COMPONENTS_PER_INSERT);
    let id = id.to_string();
    let mut position = 0_i64;
    for chunk in components.chunks(COMPONENTS_PER_INSERT) {
        let mut values = Vec::with_capacity(chunk.len() * COMPONENT_COLUMNS);
        for c in chunk {
            values.extend([
                Value::from(&id),
                Value::from(position),
                Value::from(&c.purl),
                Value::from(&c.name),
                Value::from(&c.version),
                Value::from(&c.path),
                Value::from(&c.reason),
            ]);
            position += 1;
        }
        if chunk.len() == COMPONENTS_PER_INSERT {
            tx.execute(&full, &values).await?;
        } else {
            // One text for one row keeps the number of prepared statements at two.
            let single = component_sql(1);
            for row in values.chunks(COMPONENT_COLUMNS) {
                tx.execute(&single, row).await?;
            }
        }
    }
    Ok(())
}

fn component_sql(rows: usize) -> String {
    let row = |r: usize| {
        let columns: Vec<String> = (1..=COMPONENT_COLUMNS).map(|c| format!("${}", r * COMPONENT_COLUMNS + c)).collect();
        format!("({})", columns.join(", "))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    format!(
        "insert into inventory_components (inventory_id, position, purl, name, version, path, reason) values {}",
        rows.join(", ")
    )
}

/// Reads an inventory without its components.
///
/// # Errors
/// [`StoreError`]
pub async fn by_id(tx: &mut Tx, id: InventoryId) -> Result<Option<Inventory>, StoreError> {
    tx.one(concat!("select ", columns!(), " from inventories where id = $1"), params![id], read).await
}

/// The current inventory of an asset.
///
/// # Errors
/// [`StoreError`]
pub async fn current(tx: &mut Tx, party: PartyId, asset: &str) -> Result<Option<Inventory>, StoreError> {
    let sql = concat!("select ", columns!(), " from inventories where party_id = $1 and asset = $2 and current = 1");
    tx.one(sql, params![party, asset], read).await
}

/// One page of a party's inventories, current ones only or all.
///
/// # Errors
/// [`StoreError`]
pub async fn list(
    tx: &mut Tx,
    party: PartyId,
    current_only: bool,
    page: &Page,
) -> Result<Listed<Inventory>, StoreError> {
    let sql = concat!(
        "select ",
        columns!(),
        " from inventories where party_id = $1 and (cast($2 as bigint) = 0 or current = 1)",
        " and (cast($3 as text) is null or id < $3) order by id desc limit $4"
    );
    let params = params![party, current_only, page.before::<InventoryKind>()?, page.fetch()];
    Ok(Listed::cut(tx.all(sql, params, read).await?, page, |i| i.id))
}

/// The components of an inventory, in the order of the document.
///
/// # Errors
/// [`StoreError`]
pub async fn components(tx: &mut Tx, id: InventoryId) -> Result<Vec<Component>, StoreError> {
    let sql = "select purl, name, version, path, reason from inventory_components \
               where inventory_id = $1 order by position";
    tx.all(sql, params![id], read_component).await
}

/// The packages of an inventory, each once, in order.
///
/// # Errors
/// [`StoreError`]
pub async fn purls(tx: &mut Tx, id: InventoryId) -> Result<Vec<String>, StoreError> {
    let sql = "select distinct purl from inventory_components where inventory_id = $1 and purl is not null \
               order by purl";
    tx.all(sql, params![id], |row| row.fields("inventory_components").text()).await
}

/// Every place where a package runs now, over all operators.
///
/// # Errors
/// [`StoreError`]
pub async fn running(tx: &mut Tx, purl: &str) -> Result<Vec<Running>, StoreError> {
    let sql = concat!(running!(), "and c.purl = $1 order by i.id, c.position");
    tx.all(sql, params![purl], read_running).await
}

/// The current inventories that have a package, oldest first, going on after `after`, at most `limit`.
///
/// # Errors
/// [`StoreError`]
pub async fn current_with(
    tx: &mut Tx,
    purl: &str,
    after: Option<InventoryId>,
    limit: u32,
) -> Result<Vec<InventoryId>, StoreError> {
    let sql = "select distinct i.id from inventory_components c join inventories i on i.id = c.inventory_id \
               where i.current = 1 and c.purl = $1 and (cast($2 as text) is null or i.id > $2) order by i.id limit $3";
    tx.all(sql, params![purl, after, i64::from(limit)], |row| row.fields("inventories").parsed()).await
}

/// The places where a package is in one inventory, in the order of the document; none when the
/// inventory is not current any more.
///
/// # Errors
/// [`StoreError`]
pub async fn running_in(tx: &mut Tx, id: InventoryId, purl: &str) -> Result<Vec<Running>, StoreError> {
    let sql = concat!(running!(), "and i.id = $1 and c.purl = $2 order by c.position");
    tx.all(sql, params![id, purl], read_running).await
}

/// The cases, whatever their state, of the packages in one inventory, oldest first.
///
/// # Errors
/// [`StoreError`]
pub async fn cases(tx: &mut Tx, id: InventoryId) -> Result<Vec<CaseId>, StoreError> {
    let sql = "select distinct k.id from cases k join inventory_components c on c.purl = k.purl \
               where c.inventory_id = $1 order by k.id";
    tx.all(sql, params![id], |row| row.fields("cases").parsed()).await
}

/// Every place where a package runs now at one operator.
///
/// # Errors
/// [`StoreError`]
pub async fn running_of_party(tx: &mut Tx, party: PartyId, purl: &str) -> Result<Vec<Running>, StoreError> {
    let sql = concat!(running!(), "and i.party_id = $1 and c.purl = $2 order by i.id, c.position");
    tx.all(sql, params![party, purl], read_running).await
}
