//! `/v1/notices`: an operator's notices, and its answers to them.
//!
//! Must not show one operator another's notice.

use axum::extract::{OriginalUri, Path, State};
use axum::response::Response;
use domain::notice::ANSWER_NOTE_BYTES_MAX;
use serde::Serialize;
use service::notice::AnswerInput;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{NoticeState, Outcome, PageOf, Time, VexJustification, page_shown, path_id, texts};
use super::{PageParameters, PageQuery};
use crate::http::answer;
use crate::http::asked::Asked;
use crate::http::caller::{Caller, Shows};
use crate::http::door::Door;
use crate::http::fields::{Fields, FromFields, Text};
use crate::http::problem::Problem;
use crate::http::query::Query;

pub(super) fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new().routes(routes!(notice_list)).routes(routes!(notice_show)).routes(routes!(notice_answer))
}

/// An operator's answer.
#[derive(Debug, ToSchema)]
pub(crate) struct NoticeAnswer {
    /// `seen`, `scheduled`, `fixed`, `mitigated` or `not-affected`.
    #[schema(value_type = NoticeState)]
    answer: domain::notice::NoticeState,
    /// Why it is not affected: needed for `not-affected`, refused otherwise.
    #[schema(value_type = Option<VexJustification>)]
    justification: Option<domain::notice::VexJustification>,
    /// In the operator's own words.
    #[schema(max_length = 2_000)]
    note: Option<String>,
}

impl FromFields for NoticeAnswer {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let (answer, justification) = (f.word("answer"), f.word_optional("justification"));
        let note = f.text_optional("note", Text::Prose(ANSWER_NOTE_BYTES_MAX));
        Some(Self { answer: answer?, justification: justification?, note: note? })
    }
}

/// One operator's copy of an advisory for one version on one asset.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NoticeShown {
    /// Its id.
    id: String,
    /// Of which case.
    case: String,
    /// Whose it is.
    party: String,
    /// On which asset.
    asset: String,
    /// The package.
    purl: String,
    /// The version that runs there.
    version: String,
    /// Where it was found; may be empty.
    path: String,
    /// What the decision table says.
    outcome: Outcome,
    /// By when; `null` for "on system upgrade".
    #[schema(required)]
    due: Option<Time>,
    /// When the clock started.
    clock_start: Time,
    /// Whether the table is used by analogy: there is no CVE id, so it is no legal deadline.
    analogy: bool,
    /// The facts it came from, a sentence each.
    because: Vec<String>,
    /// What to do, in a sentence.
    action: String,
    /// Where it stands.
    state: NoticeState,
    /// Why it is not affected, if the operator says so.
    #[schema(required)]
    justification: Option<VexJustification>,
    /// The operator's note.
    #[schema(required)]
    note: Option<String>,
    /// Whether it was sent under embargo.
    pre_publication: bool,
    /// When it was made.
    created_at: Time,
    /// When it was last changed.
    updated_at: Time,
    /// When an inventory closed it.
    #[schema(required)]
    closed_at: Option<Time>,
    /// Why it was closed.
    #[schema(required)]
    closed_reason: Option<String>,
}

impl From<store::notice::Notice> for NoticeShown {
    fn from(row: store::notice::Notice) -> Self {
        Self {
            id: row.id.to_string(),
            case: row.case_id.to_string(),
            party: row.party_id.to_string(),
            asset: row.asset,
            purl: row.purl,
            version: row.version,
            path: row.path,
            outcome: row.outcome.into(),
            due: row.due.map(Time),
            clock_start: row.clock_start.into(),
            analogy: row.analogy,
            because: texts(&row.because),
            action: row.action,
            state: row.state.into(),
            justification: row.justification.map(VexJustification),
            note: row.note,
            pre_publication: row.pre_publication,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
            closed_at: row.closed_at.map(Time),
            closed_reason: row.closed_reason,
        }
    }
}

/// The notices of your party.
#[utoipa::path(get, path = "/v1/notices", tag = "notices", operation_id = "notice_list", security(("bearer" = [])),
    params(PageParameters), responses((status = 200, description = "A page.", body = PageOf<NoticeShown>)))]
async fn notice_list(
    State(door): State<Door>,
    caller: Caller,
    OriginalUri(uri): OriginalUri,
    query: Query<PageQuery>,
) -> Result<Response, Problem> {
    let listed = door.service.notice_list(&caller.ctx, &query.0.0).await?;
    Ok(page_shown::<_, NoticeShown>(&caller, &uri, listed))
}

/// One notice of your party.
#[utoipa::path(get, path = "/v1/notices/{id}", tag = "notices", operation_id = "notice_show", security(("bearer" = [])),
    params(("id" = String, Path, description = "A notice's id.")),
    responses((status = 200, description = "The notice.", body = NoticeShown)))]
async fn notice_show(State(door): State<Door>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let notice = door.service.notice_show(&caller.ctx, path_id(&id, "notice")?).await?;
    Ok(caller.shown(&NoticeShown::from(notice)))
}

/// Answer a notice of your party. Only a new inventory without the version closes it.
#[utoipa::path(post, path = "/v1/notices/{id}/answer", tag = "notices", operation_id = "notice_answer", security(("bearer" = [])),
    params(("id" = String, Path, description = "A notice's id.")), request_body = NoticeAnswer,
    responses((status = 200, description = "The notice.", body = NoticeShown)))]
async fn notice_answer(
    State(door): State<Door>,
    Path(id): Path<String>,
    asked: Asked<NoticeAnswer>,
) -> Result<Response, Problem> {
    let NoticeAnswer { answer, justification, note } = asked.input;
    let input = AnswerInput { answer, justification, note };
    let notice = door.service.notice_answer(&asked.ctx, path_id(&id, "notice")?, input).await?;
    Ok(answer::ok(&NoticeShown::from(notice)))
}
