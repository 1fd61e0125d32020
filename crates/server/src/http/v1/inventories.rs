//! `/v1/inventories`: what an operator's assets run.
//!
//! Must not show an inventory to anybody but its operator, coordinators included.

use axum::extract::{OriginalUri, Path, State};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::inventory::{ASSET_TAG_BYTES_MAX, AssetTags};
use serde::Serialize;
use service::inventory::{INVENTORY_DOCUMENT_BYTES_MAX, InventoryInput, InventoryView};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{Exposure, PageOf, Time, Warning, page_shown, path_id, value};
use super::{PageParameters, PageQuery};
use crate::http::answer;
use crate::http::asked::Asked;
use crate::http::caller::{Caller, Shows};
use crate::http::door::Door;
use crate::http::fields::{Fields, FromFields, Text};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::limits::INVENTORY_BODY_BYTES_MAX;

pub(super) fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new().routes(routes!(inventory_submit, inventory_list)).routes(routes!(inventory_show))
}

const TAG: Text = Text::Line(ASSET_TAG_BYTES_MAX);

/// How an asset is placed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Tags {
    /// The organisation that runs it.
    #[schema(max_length = 200)]
    organisation: Option<String>,
    /// `production`, `test`, …: the operator's own word.
    #[schema(max_length = 200)]
    environment: Option<String>,
    /// Whether untrusted parties reach it; `unknown` counts as exposed.
    exposure: Option<Exposure>,
    /// `web server`, `infusion pump gateway`, …: the operator's own word.
    #[schema(max_length = 200)]
    asset_type: Option<String>,
    /// `hospital`, `bank`, `utility`, …: the operator's own word.
    #[schema(max_length = 200)]
    sector: Option<String>,
}

impl FromFields for Tags {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let (organisation, environment) = (f.text_optional("organisation", TAG), f.text_optional("environment", TAG));
        let exposure = f.word_optional::<domain::inventory::Exposure>("exposure");
        let (asset_type, sector) = (f.text_optional("asset_type", TAG), f.text_optional("sector", TAG));
        Some(Self {
            organisation: organisation?,
            environment: environment?,
            exposure: exposure?.map(Exposure),
            asset_type: asset_type?,
            sector: sector?,
        })
    }
}

impl From<Tags> for AssetTags {
    fn from(tags: Tags) -> Self {
        Self {
            organisation: tags.organisation.unwrap_or_default(),
            environment: tags.environment.unwrap_or_default(),
            exposure: tags.exposure.map_or(domain::inventory::Exposure::Unknown, |e| e.0),
            asset_type: tags.asset_type.unwrap_or_default(),
            sector: tags.sector.unwrap_or_default(),
        }
    }
}

impl From<AssetTags> for Tags {
    fn from(tags: AssetTags) -> Self {
        Self {
            organisation: Some(tags.organisation),
            environment: Some(tags.environment),
            exposure: Some(Exposure(tags.exposure)),
            asset_type: Some(tags.asset_type),
            sector: Some(tags.sector),
        }
    }
}

/// An inventory of one asset. It replaces the asset's previous one.
#[derive(Debug, ToSchema)]
pub(crate) struct InventorySubmit {
    /// The operator's name of the asset.
    #[schema(min_length = 1, max_length = 200)]
    asset: String,
    /// How it is placed.
    tags: Option<Tags>,
    /// CycloneDX, SPDX or a lock file in JSON, embedded. Either this or `document_base64`.
    #[schema(value_type = Option<serde_json::Map<String, serde_json::Value>>)]
    document: Vec<u8>,
    /// The document byte for byte, as padded standard base64: any of the kinds in `docs/formats.md`, JSON or not.
    #[schema(value_type = Option<String>)]
    #[expect(dead_code, reason = "describes the body; `document` holds what was decoded")]
    document_base64: (),
}

impl FromFields for InventorySubmit {
    const BYTES_MAX: usize = INVENTORY_BODY_BYTES_MAX;

    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let (asset, tags) = (f.text("asset", TAG), f.object_optional::<Tags>("tags"));
        let document = document(f);
        Some(Self { asset: asset?, tags: tags?, document: document?, document_base64: () })
    }
}

fn document(f: &mut Fields<'_>) -> Option<Vec<u8>> {
    let embedded = f.json("document");
    // Four characters of base64 hold three bytes.
    let encoded = f.text_optional("document_base64", Text::Line(INVENTORY_DOCUMENT_BYTES_MAX.div_ceil(3) * 4))?;
    match (embedded, encoded) {
        (Some(text), None) => Some(text.as_bytes().to_vec()),
        (None, Some(encoded)) => match STANDARD.decode(encoded.as_bytes()) {
            Ok(bytes) => Some(bytes),
            Err(_) => {
                f.refuse("invalid_base64", "document_base64", "padded standard base64 without line breaks");
                None
            }
        },
        (None, None) => {
            f.refuse("missing_field", "document", "give `document` or `document_base64`");
            None
        }
        (Some(_), Some(_)) => {
            f.refuse("field_not_allowed", "document_base64", "give `document` or `document_base64`, not both");
            None
        }
    }
}

/// An inventory, without its document.
#[derive(Debug, Serialize, ToSchema)]
struct InventoryShown {
    /// Its id.
    id: String,
    /// The operator's name of the asset.
    asset: String,
    /// How it is placed.
    tags: Tags,
    /// How its document was read.
    format: String,
    /// SHA-256 of its document.
    digest: String,
    /// How many components it lists.
    components: i64,
    /// How many of them cannot be matched, by reason.
    #[schema(required, value_type = Option<serde_json::Map<String, serde_json::Value>>)]
    skipped: Option<serde_json::Value>,
    /// Whether it is the asset's present one.
    current: bool,
    /// When it came.
    uploaded_at: Time,
}

impl From<store::inventory::Inventory> for InventoryShown {
    fn from(row: store::inventory::Inventory) -> Self {
        Self {
            id: row.id.to_string(),
            asset: row.asset,
            tags: row.tags.into(),
            format: row.format,
            digest: row.digest,
            components: row.components,
            skipped: value(Some(&row.skipped)),
            current: row.current,
            uploaded_at: row.uploaded_at.into(),
        }
    }
}

/// An inventory and what was odd about it.
#[derive(Debug, Serialize, ToSchema)]
struct InventoryFull {
    #[serde(flatten)]
    inventory: InventoryShown,
    /// What was odd about the document; empty when it is shown again.
    warnings: Vec<Warning>,
}

impl From<InventoryView> for InventoryFull {
    fn from(view: InventoryView) -> Self {
        Self { inventory: view.inventory.into(), warnings: view.warnings.into_iter().map(Warning::from).collect() }
    }
}

/// Send what one asset runs. It replaces the asset's previous inventory; notices follow from it.
#[utoipa::path(post, path = "/v1/inventories", tag = "inventories", operation_id = "inventory_submit", security(("bearer" = [])),
    request_body = InventorySubmit, responses((status = 201, description = "Taken in.", body = InventoryFull)))]
async fn inventory_submit(State(door): State<Door>, asked: Asked<InventorySubmit>) -> Result<Response, Problem> {
    let InventorySubmit { asset, tags, document, .. } = asked.input;
    let tags = tags.map_or_else(|| unknown_tags().into(), AssetTags::from);
    let view = door.service.inventory_submit(&asked.ctx, InventoryInput { asset, tags, document }).await?;
    let location = format!("/v1/inventories/{}", view.inventory.id);
    Ok(answer::created(&location, &InventoryFull::from(view)))
}

fn unknown_tags() -> Tags {
    Tags { organisation: None, environment: None, exposure: None, asset_type: None, sector: None }
}

/// The present inventories of your party.
#[utoipa::path(get, path = "/v1/inventories", tag = "inventories", operation_id = "inventory_list", security(("bearer" = [])),
    params(PageParameters), responses((status = 200, description = "A page.", body = PageOf<InventoryShown>)))]
async fn inventory_list(
    State(door): State<Door>,
    caller: Caller,
    OriginalUri(uri): OriginalUri,
    query: Query<PageQuery>,
) -> Result<Response, Problem> {
    let listed = door.service.inventory_list(&caller.ctx, &query.0.0).await?;
    Ok(page_shown::<_, InventoryShown>(&caller, &uri, listed))
}

/// One inventory of your party.
#[utoipa::path(get, path = "/v1/inventories/{id}", tag = "inventories", operation_id = "inventory_show", security(("bearer" = [])),
    params(("id" = String, Path, description = "An inventory's id.")),
    responses((status = 200, description = "The inventory.", body = InventoryFull)))]
async fn inventory_show(State(door): State<Door>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let view = door.service.inventory_show(&caller.ctx, path_id(&id, "inventory")?).await?;
    Ok(caller.shown(&InventoryFull::from(view)))
}
