//! `/v1/reports`: take in reports exactly as the TAP intake does, and show them to their senders.
//!
//! Must not log, repeat or unpack what a report holds, and must not show an attachment's bytes.

use axum::extract::{OriginalUri, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use formats::tap::Refusal;
use serde::Serialize;
use service::ServiceError;
use service::report::ReportView;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::submissions::VerdictShown;
use super::wire::{FindingState, PageOf, ReportState, Time, Warning, page_shown, path_id, texts, value};
use crate::http::answer;
use crate::http::asked::{Document, Intake, Sent};
use crate::http::body::BodyRule;
use crate::http::caller::{Caller, Shows};
use crate::http::door::Door;
use crate::http::problem::{Problem, ProblemError};
use crate::http::query::{FromQuery, Parameters, Query};
use crate::limits::REPORT_BODY_BYTES_MAX;

pub(super) fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new().routes(routes!(report_submit, report_list)).routes(routes!(report_show))
}

/// The body of a report: TAP JSON, or the same as `multipart/mixed`, read by the service.
#[derive(Debug)]
pub(crate) struct TapReport;

impl Document for TapReport {
    const RULE: BodyRule = BodyRule {
        media_type: "application/json",
        or_multipart: true,
        bytes_max: REPORT_BODY_BYTES_MAX,
        may_be_absent: false,
    };
    const INTAKE: Intake = Intake::Tap;
}

/// What the sender of a report gets once it is stored.
#[derive(Debug, Serialize, ToSchema)]
struct Receipt {
    /// The receipt. Holding it is the right to ask how the submission stands.
    #[schema(example = "SUB-0N5K3V8Q2M7Z4T6W9X1Y3A5B7C")]
    receipt: String,
    /// In a sentence.
    message: &'static str,
    /// What was odd about the report and accepted all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

/// A TAP report, as its intake documents it; the limits are those of its reader.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; `formats::tap` reads it")]
struct Report {
    /// The package, with or without a version. Either this, or both `ecosystem` and `software`.
    #[schema(max_length = 512)]
    purl: Option<String>,
    /// The name of the package or product.
    #[schema(max_length = 256)]
    software: Option<String>,
    /// The ecosystem, as OSV spells it.
    #[schema(max_length = 128)]
    ecosystem: Option<String>,
    /// Versions in which it was seen, each of at most 64 bytes.
    #[schema(max_items = 64)]
    versions: Option<Vec<String>>,
    /// Where in the code, in free text.
    #[schema(max_length = 1024)]
    code_path: Option<String>,
    /// The affected function.
    affected_symbol: Option<Symbol>,
    /// Files; sealed at rest, never logged.
    #[schema(max_items = 16)]
    attachments: Option<Vec<ReportAttachment>>,
    /// Absolute http(s) URLs, each of at most 512 bytes.
    #[schema(max_items = 16)]
    references: Option<Vec<String>>,
    /// CVE, GHSA, or PREFIX-token, each of at most 128 bytes.
    #[schema(max_items = 16)]
    upstream_ids: Option<Vec<String>>,
    /// 7 to 64 hex digits.
    #[schema(pattern = "^[0-9A-Fa-f]{7,64}$")]
    introduced_commit: Option<String>,
    /// 7 to 64 hex digits.
    #[schema(pattern = "^[0-9A-Fa-f]{7,64}$")]
    fixed_commit: Option<String>,
    /// Where the source is: an http(s) URL.
    #[schema(max_length = 512)]
    package_repo_url: Option<String>,
    /// How it was found, in free text.
    #[schema(max_length = 32)]
    discovery_method: Option<String>,
    /// With what, in free text.
    #[schema(max_length = 128)]
    discovery_tooling: Option<String>,
    /// Never echoed back.
    #[schema(max_length = 256)]
    email: Option<String>,
    /// `off`, `final`, `milestones` or `all`. Anything but `off` needs `email`.
    notify: Option<String>,
    /// What the sender thinks of it: at most 64 KiB, 8 levels.
    enrichment: Option<serde_json::Map<String, serde_json::Value>>,
    /// Deprecated: becomes an attachment.
    #[schema(deprecated, max_length = 1_048_576)]
    exploit: Option<String>,
    /// Deprecated.
    #[schema(deprecated)]
    exploit_content_type: Option<String>,
    /// Deprecated: becomes an attachment.
    #[schema(deprecated, max_length = 1_048_576)]
    raw: Option<String>,
    /// Deprecated.
    #[schema(deprecated)]
    raw_content_type: Option<String>,
}

/// Where the defect is.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; `formats::tap` reads it")]
struct Symbol {
    /// A path in the package.
    #[schema(max_length = 512)]
    file: Option<String>,
    /// The function's name.
    #[schema(max_length = 256)]
    function: Option<String>,
    /// Shown, never matched on.
    #[schema(minimum = 0)]
    line: Option<u64>,
}

/// One file of a report.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; `formats::tap` reads it")]
struct ReportAttachment {
    /// A name, no path.
    #[schema(min_length = 1, max_length = 255)]
    filename: String,
    /// Text, or padded standard base64 for the binary types.
    #[schema(min_length = 1, max_length = 1_048_576)]
    data: String,
    /// `text/plain` when left out.
    content_type: Option<String>,
    /// One line.
    #[schema(max_length = 1024)]
    description: Option<String>,
    /// `patch`, `exploit-proof-of-concept`, `reproducer`, `threat-model` or `other`.
    #[schema(rename = "type")]
    kind: Option<String>,
}

/// Send a report in the shape of the TAP intake. 202 after it is stored for good: `Link` with
/// `rel="monitor"` says where to ask how it stands. Refusals carry the problem types and codes of
/// that intake. 429 with the code `too_many_waiting` where so many reports of your party wait that no
/// more are taken now: nothing was stored, come again after `Retry-After`. The token may also stand in the older header `TAP-SUBMISSION-TOKEN`.
#[utoipa::path(post, path = "/v1/reports", tag = "reports", operation_id = "report_submit",
    security(("bearer" = []), ("tap_submission_token" = [])),
    request_body(content((Report = "application/json"), (String = "multipart/mixed")), description = "As JSON, or as multipart/mixed: a part `report` with the JSON without files, and a part `attachment` for each file, whose name, type and description stand in its header."),
    responses((status = 202, description = "Stored.", body = Receipt,
        headers(("Link" = String, description = "Where to ask how it stands, rel=\"monitor\".")))))]
async fn report_submit(State(door): State<Door>, sent: Sent<TapReport>) -> Result<Response, Problem> {
    let submitted = match &sent.body.boundary {
        Some(boundary) => door.service.report_submit_multipart(&sent.ctx, &sent.body.bytes, boundary).await,
        None => door.service.report_submit(&sent.ctx, &sent.body.bytes).await,
    };
    let submitted = match submitted {
        Ok(submitted) => submitted,
        Err(ServiceError::Tap(refusal)) => return Err(refused(refusal)),
        Err(other) => return Err(other.into()),
    };
    let link = format!("</v1/submissions/{}>; rel=\"monitor\"", submitted.receipt);
    let receipt = Receipt {
        receipt: submitted.receipt,
        message: "stored; ask how it stands at the monitor link",
        warnings: submitted.warnings.into_iter().map(Warning::from).collect(),
    };
    let mut response = (StatusCode::ACCEPTED, answer::json_bytes(&receipt)?).into_response();
    let headers = response.headers_mut();
    answer::set(headers, header::CONTENT_TYPE, "application/json");
    answer::set(headers, header::CACHE_CONTROL, "no-store");
    answer::set(headers, header::LINK, &link);
    Ok(response)
}

fn refused(refusal: Refusal) -> Problem {
    let is_size = refusal.is_size();
    match refusal {
        Refusal::BodyTooLarge { .. } => Problem::body_too_large(REPORT_BODY_BYTES_MAX),
        Refusal::Malformed { reason } => Problem::tap_malformed(reason),
        Refusal::Invalid { violations } => {
            let error = |v: formats::tap::Violation| ProblemError {
                code: v.code.as_str(),
                field: v.field,
                also_field: v.also_field,
                reason: v.reason,
            };
            Problem::tap_validation(violations.into_iter().map(error).collect(), is_size)
        }
    }
}

/// A report, without what it holds.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReportShown {
    /// Its id.
    id: String,
    /// Its receipt.
    receipt: String,
    /// Who sent it.
    party: String,
    /// What it is about, in a line.
    title: String,
    /// The package, if one was named.
    #[schema(required)]
    purl: Option<String>,
    /// Where it is in the intake.
    state: ReportState,
    /// When it came.
    received_at: Time,
    /// When everything the machine can do was done.
    #[schema(required)]
    done_at: Option<Time>,
    /// How it was found, what it refers to.
    #[schema(required, value_type = Option<serde_json::Map<String, serde_json::Value>>)]
    provenance: Option<serde_json::Value>,
}

impl From<store::report::Report> for ReportShown {
    fn from(row: store::report::Report) -> Self {
        Self {
            id: row.id.to_string(),
            receipt: row.receipt,
            party: row.party_id.to_string(),
            title: row.title,
            purl: row.purl,
            state: row.state.into(),
            received_at: row.received_at.into(),
            done_at: row.done_at.map(Time),
            provenance: value(Some(&row.provenance)),
        }
    }
}

/// An attachment, without its bytes.
#[derive(Debug, Serialize, ToSchema)]
struct AttachmentShown {
    filename: String,
    content_type: String,
    kind: String,
    description: String,
    /// Size, in bytes.
    bytes: i64,
}

/// What one report says of one package.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FindingShown {
    /// Its id: proofs are sent to it.
    id: String,
    /// The report it was drawn from.
    report: String,
    /// The package.
    #[schema(required)]
    purl: Option<String>,
    /// In a line.
    title: String,
    /// Where it is on its way to a case.
    state: FindingState,
    /// Why it is there.
    #[schema(required)]
    state_reason: Option<String>,
    /// Its proof.
    #[schema(required)]
    proof: Option<String>,
    /// Its case, while you may see that.
    #[schema(required)]
    case: Option<String>,
    /// Who is credited.
    credits: Vec<String>,
    /// What a report that is ready to work on has, and whether this one does.
    #[schema(required, value_type = Option<serde_json::Map<String, serde_json::Value>>)]
    checklist: Option<serde_json::Value>,
}

impl From<store::finding::Finding> for FindingShown {
    fn from(row: store::finding::Finding) -> Self {
        Self {
            id: row.id.to_string(),
            report: row.report_id.to_string(),
            purl: row.purl,
            title: row.title,
            state: row.state.into(),
            state_reason: row.state_reason,
            proof: row.proof_id.map(|id| id.to_string()),
            case: row.case_id.map(|id| id.to_string()),
            credits: texts(&row.credits),
            checklist: value(Some(&row.checklist)),
        }
    }
}

/// A report with its attachments' names and its findings.
#[derive(Debug, Serialize, ToSchema)]
struct ReportFull {
    #[serde(flatten)]
    report: ReportShown,
    /// Its attachments, without their bytes.
    attachments: Vec<AttachmentShown>,
    /// What was drawn from it.
    findings: Vec<FindingShown>,
    /// What of it is known already, as far as you may know. A hint: a proof decides.
    known: Vec<KnownShown>,
    /// What maintainers said of its findings.
    verdicts: Vec<VerdictShown>,
}

/// A case that a finding seems to be.
#[derive(Debug, Serialize, ToSchema)]
struct KnownShown {
    /// The finding.
    finding: String,
    /// The case.
    case: String,
    /// Its advisory, once published.
    #[schema(required)]
    advisory: Option<String>,
    /// Why, each in a sentence.
    because: Vec<String>,
}

impl From<ReportView> for ReportFull {
    fn from(view: ReportView) -> Self {
        let known = |known: service::known::Known| KnownShown {
            finding: known.finding.to_string(),
            case: known.case.to_string(),
            advisory: known.advisory,
            because: known.because,
        };
        let attachment = |a: store::report::Attachment| AttachmentShown {
            filename: a.filename,
            content_type: a.content_type,
            kind: a.kind,
            description: a.description,
            bytes: a.bytes,
        };
        Self {
            report: view.report.into(),
            attachments: view.attachments.into_iter().map(attachment).collect(),
            findings: view.findings.into_iter().map(FindingShown::from).collect(),
            known: view.known.into_iter().map(known).collect(),
            verdicts: view.verdicts.into_iter().map(VerdictShown::from).collect(),
        }
    }
}

/// Which reports are wanted.
#[derive(Debug)]
struct ReportQuery {
    incomplete: bool,
    page: store::Page,
}

impl FromQuery for ReportQuery {
    fn from_query(query: &mut Parameters) -> Option<Self> {
        let incomplete: Option<Option<bool>> = query.parsed("incomplete", "unknown_word");
        let page = query.page();
        Some(Self { incomplete: incomplete?.unwrap_or(false), page: page? })
    }
}

/// How they are described.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters; `ReportQuery` reads them")]
struct ReportParameters {
    /// `true`: only those that lack one of the six things and are in no case: they wait for their sender.
    incomplete: Option<bool>,
    /// Where the list goes on: `next` of the page before.
    #[param(max_length = 128)]
    cursor: Option<String>,
    /// Rows wanted, 25 when left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// The reports of your party; for coordinators all.
#[utoipa::path(get, path = "/v1/reports", tag = "reports", operation_id = "report_list", security(("bearer" = [])),
    params(ReportParameters), responses((status = 200, description = "A page.", body = PageOf<ReportShown>)))]
async fn report_list(
    State(door): State<Door>,
    caller: Caller,
    OriginalUri(uri): OriginalUri,
    query: Query<ReportQuery>,
) -> Result<Response, Problem> {
    let listed = match query.0.incomplete {
        true => door.service.report_list_incomplete(&caller.ctx, &query.0.page).await?,
        false => door.service.report_list(&caller.ctx, &query.0.page).await?,
    };
    Ok(page_shown::<_, ReportShown>(&caller, &uri, listed))
}

/// One report of your party, with its findings.
#[utoipa::path(get, path = "/v1/reports/{id}", tag = "reports", operation_id = "report_show", security(("bearer" = [])),
    params(("id" = String, Path, description = "A report's id.")),
    responses((status = 200, description = "The report.", body = ReportFull)))]
async fn report_show(State(door): State<Door>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let view = door.service.report_show(&caller.ctx, path_id(&id, "report")?).await?;
    Ok(caller.shown(&ReportFull::from(view)))
}
