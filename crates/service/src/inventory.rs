//! Inventory: take in what one asset runs; the next job compares it with every case.
//!
//! Must not drop a component: what cannot be matched is kept with the reason.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::id::InventoryId;
use domain::inventory::{ASSET_TAG_BYTES_MAX, AssetTags};
use domain::package::Package;
use domain::policy::Action;
use domain::shown::is_invisible;
use formats::Warning;
use store::inventory::{self as table, Component, Inventory};
use store::{Listed, Page};

use crate::Service;
use crate::ctx::{Begun, Ctx};
use crate::error::{Result, ServiceError, Violation, internal};
use crate::identity::{digest_hex, new_id};
use crate::job::JobKind;

/// Largest inventory document over the API, in bytes.
pub const INVENTORY_DOCUMENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// An inventory to be taken in.
#[derive(Debug, Clone)]
pub struct InventoryInput {
    /// The operator's name of the asset.
    pub asset: String,
    /// How it is placed.
    pub tags: AssetTags,
    /// A bill of materials, a lock file or a distribution's list, of a kind that `formats::inventory` reads.
    pub document: Vec<u8>,
}

/// An inventory and how it was understood.
#[derive(Debug, Clone)]
pub struct InventoryView {
    /// The inventory.
    pub inventory: Inventory,
    /// What was odd about the document; empty when it is shown again.
    pub warnings: Vec<Warning>,
}

fn tags_check(input: &InventoryInput) -> Result<()> {
    let tags = [
        ("asset", &input.asset),
        ("tags.organisation", &input.tags.organisation),
        ("tags.environment", &input.tags.environment),
        ("tags.asset_type", &input.tags.asset_type),
        ("tags.sector", &input.tags.sector),
    ];
    let mut violations = Vec::new();
    for (field, text) in tags {
        if text.len() > ASSET_TAG_BYTES_MAX || text.chars().any(|c| c.is_control() || is_invisible(c)) {
            let reason = format!("at most {ASSET_TAG_BYTES_MAX} bytes, no control or invisible characters");
            violations.push(Violation::new("malformed_tag", field, reason));
        }
    }
    if input.asset.trim().is_empty() {
        violations.push(Violation::new("missing_field", "asset", "an inventory is of one named asset"));
    }
    if input.document.len() > INVENTORY_DOCUMENT_BYTES_MAX {
        let reason = format!("at most {INVENTORY_DOCUMENT_BYTES_MAX} bytes");
        violations.push(Violation::new("field_too_large", "document", reason));
    }
    if violations.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(violations)) }
}

fn component_row(component: &formats::inventory::Component) -> Component {
    let package = component.purl.as_deref().and_then(|p| Package::split(p).ok());
    let reason = match (&component.matchable, &package) {
        (Err(why), _) => Some(why.as_str().to_owned()),
        (Ok(_), None) => Some("unknown-ecosystem".to_owned()),
        (Ok(_), Some(_)) => None,
    };
    Component {
        purl: if reason.is_none() { package.map(|(p, _)| p.purl().to_owned()) } else { None },
        name: component.name.clone(),
        version: component.version.clone(),
        path: component.path.clone(),
        reason,
    }
}

impl Service {
    /// Takes in one asset's inventory; it replaces the asset's previous one.
    ///
    /// # Errors
    /// `Forbidden`, `Invalid`.
    pub async fn inventory_submit(&self, ctx: &Ctx, input: InventoryInput) -> Result<InventoryView> {
        ctx.authorize(Action::InventorySubmit)?;
        tags_check(&input)?;
        let bytes = Arc::new(input.document);
        let (document, warnings) = self.document_read(Arc::clone(&bytes)).await?;
        let components: Vec<Component> = document.components.iter().map(component_row).collect();
        let mut work = match self.begin(ctx, "inventory_submit").await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(id) => return self.inventory_view(ctx, self.replayed(&id)?).await,
        };
        let now = ctx.actor.now;
        let document_blob_id = self.blob_put(&mut work.tx, &bytes, now).await?;
        let inventory = Inventory {
            id: new_id(now)?,
            party_id: ctx.actor.party,
            asset: input.asset.trim().to_owned(),
            tags: input.tags,
            format: document.format.clone(),
            document_blob_id,
            digest: digest_hex(&bytes),
            components: i64::try_from(components.len()).map_err(|e| internal("count components", e))?,
            skipped: skipped_json(&components),
            current: true,
            uploaded_at: now,
        };
        table::insert(&mut work.tx, &inventory, &components).await?;
        self.job_enqueue(&mut work.tx, JobKind::InventoryMatch, &inventory.id.to_string()).await?;
        work.finish(&inventory.id.to_string()).await?;
        self.jobs_wake();
        Ok(InventoryView { inventory, warnings })
    }

    /// Reads a document off the async threads. That takes many times its size in memory, so only so many
    /// are read at once.
    async fn document_read(&self, bytes: Arc<Vec<u8>>) -> Result<(formats::inventory::Inventory, Vec<Warning>)> {
        let _room = self.reading.acquire().await.map_err(|e| internal("wait to read an inventory", e))?;
        let read = tokio::task::spawn_blocking(move || formats::inventory::read(&bytes)).await;
        let read = read.map_err(|e| internal("read an inventory", e))?;
        read.map_err(|e| ServiceError::invalid("unreadable", "document", e.to_string()))
    }

    /// One inventory of the actor's party.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn inventory_show(&self, ctx: &Ctx, id: InventoryId) -> Result<InventoryView> {
        ctx.authorize(Action::OwnRead)?;
        self.inventory_view(ctx, id).await
    }

    async fn inventory_view(&self, ctx: &Ctx, id: InventoryId) -> Result<InventoryView> {
        let mut tx = self.store.read().await?;
        let found = table::by_id(&mut tx, id).await?;
        let own = found.filter(|i| i.party_id == ctx.actor.party);
        let inventory = own.ok_or(ServiceError::NotFound("inventory"))?;
        Ok(InventoryView { inventory, warnings: Vec::new() })
    }

    /// The current inventories of the actor's party. Nobody else sees them, coordinators included.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn inventory_list(&self, ctx: &Ctx, page: &Page) -> Result<Listed<Inventory>> {
        ctx.authorize(Action::OwnRead)?;
        let mut tx = self.store.read().await?;
        Ok(table::list(&mut tx, ctx.actor.party, true, page).await?)
    }
}

/// How many components cannot be matched, by reason, as a JSON object.
fn skipped_json(components: &[Component]) -> String {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for reason in components.iter().filter_map(|c| c.reason.as_deref()) {
        *counts.entry(reason).or_default() += 1;
    }
    serde_json::json!(counts).to_string()
}
