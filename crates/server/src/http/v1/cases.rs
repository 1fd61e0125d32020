//! `/v1/cases`: list and show cases, and what coordinators and maintainers do to them.
//!
//! Must not tell an outsider an embargoed case from one that never existed.

use axum::extract::{OriginalUri, Path, State};
use axum::response::Response;
use domain::case::CASE_REASON_BYTES_MAX;
use domain::id::{CaseId, FindingId, MemberId};
use domain::package::Package;
use domain::read_in::READ_IN_REASON_BYTES_MAX;
use service::case::EmbargoInput;
use service::read_in::ReadInInput;
use service::verdict::{DUPLICATE_OF_BYTES_MAX, VerdictInput};
use store::Page;
use store::case::CaseFilter;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::case_view::{CaseFull, CaseShown};
use super::wire::{CaseState, EmbargoSource, MaintainerVerdict, PageOf, Tier, Time, page_shown, path_id};
use crate::http::answer;
use crate::http::asked::Asked;
use crate::http::caller::{Caller, Shows};
use crate::http::door::Door;
use crate::http::fields::{Fields, FromFields, Nothing, Text};
use crate::http::problem::Problem;
use crate::http::query::{FromQuery, Parameters, Query};

pub(super) fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(case_list))
        .routes(routes!(case_show))
        .routes(routes!(case_merge))
        .routes(routes!(case_split))
        .routes(routes!(case_judge))
        .routes(routes!(case_close))
        .routes(routes!(embargo_set))
        .routes(routes!(read_in_place))
        .routes(routes!(read_in_end))
}

const REASON: Text = Text::Prose(CASE_REASON_BYTES_MAX);

/// Which cases are wanted.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters; `CaseQuery` reads them")]
struct CaseParameters {
    /// Of this package alone.
    #[param(max_length = 512)]
    purl: Option<String>,
    /// In this state alone.
    #[param(inline)]
    state: Option<CaseState>,
    /// Where the list goes on: `next` of the page before.
    #[param(max_length = 128)]
    cursor: Option<String>,
    /// Rows wanted, 25 when left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

struct CaseQuery {
    filter: CaseFilter,
    page: Page,
}

impl FromQuery for CaseQuery {
    fn from_query(query: &mut Parameters) -> Option<Self> {
        let purl: Option<Option<Package>> = query.parsed("purl", "invalid_purl");
        let state = query.word("state");
        let page = query.page();
        Some(Self { filter: CaseFilter { purl: purl?.map(|p| p.purl().to_owned()), state: state? }, page: page? })
    }
}

/// A case to be joined into another.
#[derive(Debug, ToSchema)]
pub(crate) struct CaseMerge {
    /// The case that carries on.
    #[schema(value_type = String)]
    into: CaseId,
    /// Why they are one defect: one root cause and one fix.
    #[schema(min_length = 1, max_length = 2_000)]
    reason: String,
}

impl FromFields for CaseMerge {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let (into, reason) = (f.id("into"), f.text("reason", REASON));
        Some(Self { into: into?, reason: reason? })
    }
}

/// A finding to be taken out into a case of its own.
#[derive(Debug, ToSchema)]
pub(crate) struct CaseSplit {
    /// The finding.
    #[schema(value_type = String)]
    finding: FindingId,
    /// Why it is another defect.
    #[schema(min_length = 1, max_length = 2_000)]
    reason: String,
}

impl FromFields for CaseSplit {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let (finding, reason) = (f.id("finding"), f.text("reason", REASON));
        Some(Self { finding: finding?, reason: reason? })
    }
}

/// The maintainer's verdict.
#[derive(Debug, ToSchema)]
pub(crate) struct CaseJudge {
    /// The verdict.
    #[schema(value_type = MaintainerVerdict)]
    verdict: domain::case::MaintainerVerdict,
    /// Why.
    #[schema(min_length = 1, max_length = 2_000)]
    reason: String,
    /// Of what it is a duplicate, where the verdict is `duplicate-of-ours`: a case here, or an id elsewhere.
    #[schema(min_length = 1, max_length = 512)]
    duplicate_of: Option<String>,
}

impl FromFields for CaseJudge {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let (verdict, reason) = (f.word("verdict"), f.text("reason", REASON));
        let duplicate_of = f.text_optional("duplicate_of", Text::Line(DUPLICATE_OF_BYTES_MAX));
        Some(Self { verdict: verdict?, reason: reason?, duplicate_of: duplicate_of? })
    }
}

/// The end of a case without an advisory.
#[derive(Debug, ToSchema)]
pub(crate) struct CaseClose {
    /// Why.
    #[schema(min_length = 1, max_length = 2_000)]
    reason: String,
}

impl FromFields for CaseClose {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        Some(Self { reason: f.text("reason", REASON)? })
    }
}

/// A rule for the end of an embargo.
#[derive(Debug, ToSchema)]
pub(crate) struct EmbargoSet {
    /// Where the rule comes from.
    #[schema(value_type = EmbargoSource)]
    source: domain::embargo::EmbargoSource,
    /// When it ends the embargo.
    #[schema(value_type = Time)]
    ends: domain::time::Timestamp,
    /// Where the rule can be read; needed for policies and list rules.
    #[schema(max_length = 512)]
    url: Option<String>,
}

impl FromFields for EmbargoSet {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let (source, ends, url) = (f.word("source"), f.time("ends"), f.text_optional("url", Text::Line(512)));
        Some(Self { source: source?, ends: ends?, url: url? })
    }
}

/// Somebody to be read into a case.
#[derive(Debug, ToSchema)]
pub(crate) struct ReadInPlace {
    /// The person.
    #[schema(value_type = String)]
    member: MemberId,
    /// How much of the case.
    #[schema(value_type = Tier)]
    tier: domain::read_in::Tier,
    /// Why this person needs it.
    #[schema(min_length = 1, max_length = 1_000)]
    reason: String,
    /// Until when; at most 90 days.
    #[schema(value_type = Time)]
    until: domain::time::Timestamp,
}

impl FromFields for ReadInPlace {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let (member, tier) = (f.id("member"), f.word("tier"));
        let (reason, until) = (f.text("reason", Text::Prose(READ_IN_REASON_BYTES_MAX)), f.time("until"));
        Some(Self { member: member?, tier: tier?, reason: reason?, until: until? })
    }
}

/// Refuses when the caller named a state of the case (`If-Match`) that is not the present one.
async fn match_check<T>(door: &Door, asked: &Asked<T>, id: CaseId) -> Result<(), Problem> {
    if !asked.has_if_match() {
        return Ok(());
    }
    let view = door.service.case_show(&asked.ctx, id).await?;
    asked.if_match_check(&CaseFull::from(view))
}

/// The cases you may see: published ones, those you are read into, for coordinators all.
#[utoipa::path(get, path = "/v1/cases", tag = "cases", operation_id = "case_list", security(("bearer" = [])),
    params(CaseParameters), responses((status = 200, description = "A page.", body = PageOf<CaseShown>)))]
async fn case_list(
    State(door): State<Door>,
    caller: Caller,
    OriginalUri(uri): OriginalUri,
    query: Query<CaseQuery>,
) -> Result<Response, Problem> {
    let listed = door.service.case_list(&caller.ctx, &query.0.filter, &query.0.page).await?;
    Ok(page_shown::<_, CaseShown>(&caller, &uri, listed))
}

/// One case, as much of it as your tier shows. A case you must not know of answers as one that never
/// existed.
#[utoipa::path(get, path = "/v1/cases/{id}", tag = "cases", operation_id = "case_show", security(("bearer" = [])),
    params(("id" = String, Path, description = "A case's id.")),
    responses((status = 200, description = "The case.", body = CaseFull)))]
async fn case_show(State(door): State<Door>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let view = door.service.case_show(&caller.ctx, path_id(&id, "case")?).await?;
    Ok(caller.shown(&CaseFull::from(view)))
}

/// Join this case into another one of the same package. Every credit stays. For coordinators.
#[utoipa::path(post, path = "/v1/cases/{id}/merge", tag = "cases", operation_id = "case_merge", security(("bearer" = [])),
    params(("id" = String, Path, description = "A case's id.")), request_body = CaseMerge,
    responses((status = 200, description = "The case that carries on.", body = CaseFull)))]
async fn case_merge(
    State(door): State<Door>,
    Path(id): Path<String>,
    asked: Asked<CaseMerge>,
) -> Result<Response, Problem> {
    let id = path_id(&id, "case")?;
    match_check(&door, &asked, id).await?;
    let view = door.service.case_merge(&asked.ctx, id, asked.input.into, &asked.input.reason).await?;
    Ok(answer::ok(&CaseFull::from(view)))
}

/// Take one finding out into a case of its own. For coordinators.
#[utoipa::path(post, path = "/v1/cases/{id}/split", tag = "cases", operation_id = "case_split", security(("bearer" = [])),
    params(("id" = String, Path, description = "A case's id.")), request_body = CaseSplit,
    responses((status = 200, description = "The case of the finding.", body = CaseFull)))]
async fn case_split(
    State(door): State<Door>,
    Path(id): Path<String>,
    asked: Asked<CaseSplit>,
) -> Result<Response, Problem> {
    let id = path_id(&id, "case")?;
    match_check(&door, &asked, id).await?;
    let view = door.service.case_split(&asked.ctx, id, asked.input.finding, &asked.input.reason).await?;
    Ok(answer::ok(&CaseFull::from(view)))
}

/// Give or change the verdict. Only a maintainer of the package, read in at tier 0, may.
#[utoipa::path(post, path = "/v1/cases/{id}/verdict", tag = "cases", operation_id = "case_judge", security(("bearer" = [])),
    params(("id" = String, Path, description = "A case's id.")), request_body = CaseJudge,
    responses((status = 200, description = "The case.", body = CaseFull)))]
async fn case_judge(
    State(door): State<Door>,
    Path(id): Path<String>,
    asked: Asked<CaseJudge>,
) -> Result<Response, Problem> {
    let id = path_id(&id, "case")?;
    match_check(&door, &asked, id).await?;
    let CaseJudge { verdict, reason, duplicate_of } = asked.input;
    let view = door.service.case_judge(&asked.ctx, id, VerdictInput { verdict, reason, duplicate_of }).await?;
    Ok(answer::ok(&CaseFull::from(view)))
}

/// End a case without an advisory, on the maintainer's verdict. For coordinators.
#[utoipa::path(post, path = "/v1/cases/{id}/close", tag = "cases", operation_id = "case_close", security(("bearer" = [])),
    params(("id" = String, Path, description = "A case's id.")), request_body = CaseClose,
    responses((status = 200, description = "The case.", body = CaseFull)))]
async fn case_close(
    State(door): State<Door>,
    Path(id): Path<String>,
    asked: Asked<CaseClose>,
) -> Result<Response, Problem> {
    let id = path_id(&id, "case")?;
    match_check(&door, &asked, id).await?;
    let view = door.service.case_close(&asked.ctx, id, &asked.input.reason).await?;
    Ok(answer::ok(&CaseFull::from(view)))
}

/// Add a rule for the end of the embargo. The shortest rule wins; the maintainer's word is final.
#[utoipa::path(post, path = "/v1/cases/{id}/embargo", tag = "cases", operation_id = "embargo_set", security(("bearer" = [])),
    params(("id" = String, Path, description = "A case's id.")), request_body = EmbargoSet,
    responses((status = 200, description = "The case.", body = CaseFull)))]
async fn embargo_set(
    State(door): State<Door>,
    Path(id): Path<String>,
    asked: Asked<EmbargoSet>,
) -> Result<Response, Problem> {
    let id = path_id(&id, "case")?;
    match_check(&door, &asked, id).await?;
    let EmbargoSet { source, ends, url } = asked.input;
    let view = door.service.embargo_set(&asked.ctx, id, EmbargoInput { source, ends, url }).await?;
    Ok(answer::ok(&CaseFull::from(view)))
}

/// Read a person in, at one tier, with a reason and an end. An earlier tier of that person ends.
#[utoipa::path(post, path = "/v1/cases/{id}/read-ins", tag = "cases", operation_id = "read_in_place", security(("bearer" = [])),
    params(("id" = String, Path, description = "A case's id.")), request_body = ReadInPlace,
    responses((status = 200, description = "The case.", body = CaseFull)))]
async fn read_in_place(
    State(door): State<Door>,
    Path(id): Path<String>,
    asked: Asked<ReadInPlace>,
) -> Result<Response, Problem> {
    let id = path_id(&id, "case")?;
    match_check(&door, &asked, id).await?;
    let ReadInPlace { member, tier, reason, until } = asked.input;
    let view = door.service.read_in_place(&asked.ctx, id, ReadInInput { member, tier, reason, until }).await?;
    Ok(answer::ok(&CaseFull::from(view)))
}

/// End a read-in now.
#[utoipa::path(post, path = "/v1/cases/{id}/read-ins/{read_in}/end", tag = "cases", operation_id = "read_in_end", security(("bearer" = [])),
    params(("id" = String, Path, description = "A case's id."), ("read_in" = String, Path, description = "A read-in's id.")),
    responses((status = 200, description = "The case.", body = CaseFull)))]
async fn read_in_end(
    State(door): State<Door>,
    Path((id, read_in)): Path<(String, String)>,
    asked: Asked<Nothing>,
) -> Result<Response, Problem> {
    let id = path_id(&id, "case")?;
    match_check(&door, &asked, id).await?;
    let view = door.service.read_in_end(&asked.ctx, id, path_id(&read_in, "read-in")?).await?;
    Ok(answer::ok(&CaseFull::from(view)))
}
