//! `/v1/advisories`: publish, revise, withdraw; and the public record, readable by everybody.
//!
//! Must not write a document: what was signed is handed out byte for byte.

use axum::extract::{OriginalUri, Path, State};
use axum::http::header;
use axum::response::Response;
use domain::case::{CASE_REASON_BYTES_MAX, CASE_TITLE_BYTES_MAX};
use domain::id::CaseId;
use serde::Serialize;
use service::advisory::{
    ALIAS_BYTES_MAX, ALIASES_COUNT_MAX, PublishInput, REFERENCE_BYTES_MAX, REFERENCES_COUNT_MAX, SUMMARY_BYTES_MAX,
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{AdvisoryFormat, AdvisoryState, PageOf, Time, page_shown};
use super::{PageParameters, PageQuery};
use crate::http::answer;
use crate::http::asked::Asked;
use crate::http::caller::{Anonymous, Shows};
use crate::http::door::Door;
use crate::http::fields::{Fields, FromFields, Text};
use crate::http::problem::Problem;
use crate::http::query::{FromQuery, Parameters, Query};

pub(super) fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(advisory_publish, advisory_list))
        .routes(routes!(advisory_show))
        .routes(routes!(advisory_revise))
        .routes(routes!(advisory_withdraw))
        .routes(routes!(advisory_osv))
        .routes(routes!(advisory_osv_signature))
        .routes(routes!(advisory_csaf))
        .routes(routes!(advisory_csaf_signature))
}

/// What whoever publishes adds to what was measured. What is left out stays as the case has it.
#[derive(Debug, ToSchema)]
pub(crate) struct AdvisoryText {
    /// One line.
    #[schema(max_length = 200)]
    title: Option<String>,
    /// What it is and what to do, in plain text.
    #[schema(max_length = 8_000)]
    summary: Option<String>,
    /// A CVSS 3.x or 4.0 vector.
    #[schema(max_length = 256)]
    severity: Option<String>,
    /// A CWE id.
    #[schema(max_length = 128, example = "CWE-1321")]
    weakness: Option<String>,
    /// Other ids of the very same vulnerability, each of at most 128 bytes.
    #[schema(value_type = Option<Vec<String>>, max_items = 16)]
    aliases: Vec<String>,
    /// Absolute http(s) URLs, each of at most 512 bytes.
    #[schema(value_type = Option<Vec<String>>, max_items = 16)]
    references: Vec<String>,
    /// What changed, for a revision.
    #[schema(max_length = 200)]
    change: Option<String>,
}

impl FromFields for AdvisoryText {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let line = |bytes_max| Text::Line(bytes_max);
        let (title, change) = (
            f.text_optional("title", line(CASE_TITLE_BYTES_MAX)),
            f.text_optional("change", line(CASE_TITLE_BYTES_MAX)),
        );
        let summary = f.text_optional("summary", Text::Prose(SUMMARY_BYTES_MAX));
        let (severity, weakness) = (
            f.text_optional("severity", line(ALIAS_BYTES_MAX * 2)),
            f.text_optional("weakness", line(ALIAS_BYTES_MAX)),
        );
        let aliases = f.texts("aliases", ALIASES_COUNT_MAX, line(ALIAS_BYTES_MAX));
        let references = f.texts("references", REFERENCES_COUNT_MAX, line(REFERENCE_BYTES_MAX));
        Some(Self {
            title: title?,
            summary: summary?,
            severity: severity?,
            weakness: weakness?,
            aliases: aliases?,
            references: references?,
            change: change?,
        })
    }
}

impl From<AdvisoryText> for PublishInput {
    fn from(text: AdvisoryText) -> Self {
        let AdvisoryText { title, summary, severity, weakness, aliases, references, change } = text;
        Self { title, summary, severity, weakness, aliases, references, change }
    }
}

/// A case to be published.
#[derive(Debug, ToSchema)]
pub(crate) struct AdvisoryPublish {
    /// The case.
    #[schema(value_type = String)]
    case: CaseId,
    /// What is added to what was measured.
    text: Option<AdvisoryText>,
}

impl FromFields for AdvisoryPublish {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let (case, text) = (f.id("case"), f.object_optional("text"));
        Some(Self { case: case?, text: text? })
    }
}

/// An advisory to be taken back.
#[derive(Debug, ToSchema)]
pub(crate) struct AdvisoryWithdraw {
    /// Why.
    #[schema(min_length = 1, max_length = 2_000)]
    reason: String,
}

impl FromFields for AdvisoryWithdraw {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        Some(Self { reason: f.text("reason", Text::Prose(CASE_REASON_BYTES_MAX))? })
    }
}

/// An advisory of the public record.
#[derive(Debug, Serialize, ToSchema)]
struct AdvisoryShown {
    /// Its public name.
    #[schema(example = "PH-2026-7k2m9q4t")]
    name: String,
    /// Its case.
    case: String,
    /// Its state.
    state: AdvisoryState,
    /// Its newest revision; earlier ones stay readable.
    revision: i64,
    /// When it was first published.
    published_at: Time,
    /// When it was last revised.
    modified_at: Time,
    /// When it was taken back.
    #[schema(required)]
    withdrawn_at: Option<Time>,
    /// Why it was taken back.
    #[schema(required)]
    withdrawn_reason: Option<String>,
    /// Where its documents are.
    documents: Vec<DocumentNamed>,
}

/// Where a document and its signature are.
#[derive(Debug, Serialize, ToSchema)]
struct DocumentNamed {
    /// The kind of document.
    format: AdvisoryFormat,
    /// Its address.
    href: String,
    /// The address of its detached signature.
    signature: String,
}

impl From<store::advisory::Advisory> for AdvisoryShown {
    fn from(row: store::advisory::Advisory) -> Self {
        let document = |format: &domain::advisory::AdvisoryFormat| DocumentNamed {
            format: AdvisoryFormat(*format),
            href: format!("/v1/advisories/{}/{format}", row.name),
            signature: format!("/v1/advisories/{}/{format}.sig", row.name),
        };
        Self {
            documents: domain::advisory::AdvisoryFormat::ALL.iter().map(document).collect(),
            case: row.case_id.to_string(),
            state: row.state.into(),
            revision: row.revision,
            published_at: row.published_at.into(),
            modified_at: row.modified_at.into(),
            withdrawn_at: row.withdrawn_at.map(Time),
            withdrawn_reason: row.withdrawn_reason,
            name: row.name,
        }
    }
}

/// Which revision is wanted.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
struct RevisionParameters {
    /// The newest when left out.
    #[param(minimum = 1)]
    revision: Option<i64>,
}

impl FromQuery for RevisionParameters {
    fn from_query(query: &mut Parameters) -> Option<Self> {
        Some(Self { revision: query.parsed("revision", "out_of_range")? })
    }
}

/// Publish a case: its documents are signed and kept, everybody may see it, and every operator that
/// runs an affected version gets a notice. For coordinators and the maintainer.
#[utoipa::path(post, path = "/v1/advisories", tag = "advisories", operation_id = "advisory_publish", security(("bearer" = [])),
    request_body = AdvisoryPublish, responses((status = 201, description = "Published.", body = AdvisoryShown)))]
async fn advisory_publish(State(door): State<Door>, asked: Asked<AdvisoryPublish>) -> Result<Response, Problem> {
    let AdvisoryPublish { case, text } = asked.input;
    let input = text.map(PublishInput::from).unwrap_or_default();
    let advisory = door.service.advisory_publish(&asked.ctx, case, input).await?;
    let location = format!("/v1/advisories/{}", advisory.name);
    Ok(answer::created(&location, &AdvisoryShown::from(advisory)))
}

/// Publish a new revision from what is known now. Earlier ones stay.
#[utoipa::path(post, path = "/v1/advisories/{name}/revise", tag = "advisories", operation_id = "advisory_revise", security(("bearer" = [])),
    params(("name" = String, Path, description = "An advisory's name.")), request_body = AdvisoryText,
    responses((status = 200, description = "Revised.", body = AdvisoryShown)))]
async fn advisory_revise(
    State(door): State<Door>,
    Path(name): Path<String>,
    asked: Asked<AdvisoryText>,
) -> Result<Response, Problem> {
    let advisory = door.service.advisory_revise(&asked.ctx, &name, asked.input.into()).await?;
    Ok(answer::ok(&AdvisoryShown::from(advisory)))
}

/// Take an advisory back, with the reason. It stays readable.
#[utoipa::path(post, path = "/v1/advisories/{name}/withdraw", tag = "advisories", operation_id = "advisory_withdraw", security(("bearer" = [])),
    params(("name" = String, Path, description = "An advisory's name.")), request_body = AdvisoryWithdraw,
    responses((status = 200, description = "Withdrawn.", body = AdvisoryShown)))]
async fn advisory_withdraw(
    State(door): State<Door>,
    Path(name): Path<String>,
    asked: Asked<AdvisoryWithdraw>,
) -> Result<Response, Problem> {
    let advisory = door.service.advisory_withdraw(&asked.ctx, &name, &asked.input.reason).await?;
    Ok(answer::ok(&AdvisoryShown::from(advisory)))
}

/// Every advisory, newest first. For everybody.
#[utoipa::path(get, path = "/v1/advisories", tag = "advisories", operation_id = "advisory_list",
    params(PageParameters), responses((status = 200, description = "A page.", body = PageOf<AdvisoryShown>)))]
async fn advisory_list(
    State(door): State<Door>,
    anonymous: Anonymous,
    OriginalUri(uri): OriginalUri,
    query: Query<PageQuery>,
) -> Result<Response, Problem> {
    let listed = door.service.advisory_list(&query.0.0).await?;
    Ok(page_shown::<_, AdvisoryShown>(&anonymous, &uri, listed))
}

/// One advisory. For everybody.
#[utoipa::path(get, path = "/v1/advisories/{name}", tag = "advisories", operation_id = "advisory_show",
    params(("name" = String, Path, description = "An advisory's name.")),
    responses((status = 200, description = "The advisory.", body = AdvisoryShown)))]
async fn advisory_show(
    State(door): State<Door>,
    anonymous: Anonymous,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let advisory = door.service.advisory_show(&name).await?;
    Ok(anonymous.shown(&AdvisoryShown::from(advisory)))
}

/// What is asked of a document.
struct DocumentAsked<'a> {
    name: &'a str,
    format: domain::advisory::AdvisoryFormat,
    revision: Option<i64>,
}

impl DocumentAsked<'_> {
    async fn document(self, door: &Door, anonymous: &Anonymous) -> Result<Response, Problem> {
        let document = door.service.advisory_document(self.name, self.format, self.revision).await?;
        Ok(download(anonymous, document.body, &document.filename, document.media_type))
    }

    async fn signature(self, door: &Door, anonymous: &Anonymous) -> Result<Response, Problem> {
        let document = door.service.advisory_document(self.name, self.format, self.revision).await?;
        let filename = format!("{}.sig", document.filename);
        Ok(download(anonymous, document.signature, &filename, document.media_type))
    }
}

/// The OSV 1.7 document of an advisory, byte for byte as it was signed. For everybody.
#[utoipa::path(get, path = "/v1/advisories/{name}/osv", tag = "advisories", operation_id = "advisory_osv",
    params(("name" = String, Path, description = "An advisory's name."), RevisionParameters),
    responses((status = 200, description = "The document.", body = serde_json::Map<String, serde_json::Value>, content_type = "application/json")))]
async fn advisory_osv(
    State(door): State<Door>,
    anonymous: Anonymous,
    Path(name): Path<String>,
    query: Query<RevisionParameters>,
) -> Result<Response, Problem> {
    DocumentAsked { name: &name, format: domain::advisory::AdvisoryFormat::Osv, revision: query.0.revision }
        .document(&door, &anonymous)
        .await
}

/// The detached signature of an advisory's OSV 1.7 document. For everybody.
#[utoipa::path(get, path = "/v1/advisories/{name}/osv.sig", tag = "advisories", operation_id = "advisory_osv_signature",
    params(("name" = String, Path, description = "An advisory's name."), RevisionParameters),
    responses((status = 200, description = "The signature.", body = serde_json::Map<String, serde_json::Value>, content_type = "application/json")))]
async fn advisory_osv_signature(
    State(door): State<Door>,
    anonymous: Anonymous,
    Path(name): Path<String>,
    query: Query<RevisionParameters>,
) -> Result<Response, Problem> {
    DocumentAsked { name: &name, format: domain::advisory::AdvisoryFormat::Osv, revision: query.0.revision }
        .signature(&door, &anonymous)
        .await
}

/// The CSAF 2.0 document of an advisory, byte for byte as it was signed. For everybody.
#[utoipa::path(get, path = "/v1/advisories/{name}/csaf", tag = "advisories", operation_id = "advisory_csaf",
    params(("name" = String, Path, description = "An advisory's name."), RevisionParameters),
    responses((status = 200, description = "The document.", body = serde_json::Map<String, serde_json::Value>, content_type = "application/json")))]
async fn advisory_csaf(
    State(door): State<Door>,
    anonymous: Anonymous,
    Path(name): Path<String>,
    query: Query<RevisionParameters>,
) -> Result<Response, Problem> {
    DocumentAsked { name: &name, format: domain::advisory::AdvisoryFormat::Csaf, revision: query.0.revision }
        .document(&door, &anonymous)
        .await
}

/// The detached signature of an advisory's CSAF 2.0 document. For everybody.
#[utoipa::path(get, path = "/v1/advisories/{name}/csaf.sig", tag = "advisories", operation_id = "advisory_csaf_signature",
    params(("name" = String, Path, description = "An advisory's name."), RevisionParameters),
    responses((status = 200, description = "The signature.", body = serde_json::Map<String, serde_json::Value>, content_type = "application/json")))]
async fn advisory_csaf_signature(
    State(door): State<Door>,
    anonymous: Anonymous,
    Path(name): Path<String>,
    query: Query<RevisionParameters>,
) -> Result<Response, Problem> {
    DocumentAsked { name: &name, format: domain::advisory::AdvisoryFormat::Csaf, revision: query.0.revision }
        .signature(&door, &anonymous)
        .await
}

fn download(anonymous: &Anonymous, body: String, filename: &str, media_type: &'static str) -> Response {
    let mut response = answer::tagged(anonymous.if_none_match(), body.into_bytes(), media_type, "public, max-age=60");
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let filename: String = filename.chars().filter(plain).collect();
    answer::set(response.headers_mut(), header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{filename}\""));
    response
}
