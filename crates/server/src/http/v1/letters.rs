//! `/v1/letters`: what went out by e-mail, what waits, and what could not be delivered. For coordinators.
//!
//! Must not show what a letter says.

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use serde::Serialize;
use store::Page;
use store::letter::Letter;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{LetterKind, LetterState, PageOf, Time, page_shown};
use crate::http::caller::Caller;
use crate::http::door::Door;
use crate::http::problem::Problem;
use crate::http::query::{FromQuery, Parameters, Query};

pub(super) fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new().routes(routes!(letter_list))
}

/// Which letters are wanted.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters; `LetterQuery` reads them")]
struct LetterParameters {
    /// Those of which this became; all when left out.
    #[param(value_type = Option<LetterState>)]
    state: Option<String>,
    /// Where the list goes on: `next` of the page before.
    #[param(max_length = 128)]
    cursor: Option<String>,
    /// Rows wanted, 25 when left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

struct LetterQuery {
    state: Option<store::letter::LetterState>,
    page: Page,
}

impl FromQuery for LetterQuery {
    fn from_query(query: &mut Parameters) -> Option<Self> {
        let (state, page) = (query.word("state"), query.page());
        Some(Self { state: state?, page: page? })
    }
}

/// A letter, without what it says.
#[derive(Debug, Serialize, ToSchema)]
struct LetterShown {
    /// Its id; its Message-ID begins with it.
    id: String,
    /// What it is about.
    kind: LetterKind,
    /// Which one: an id.
    about: String,
    /// The party it is for.
    #[schema(required)]
    party: Option<String>,
    /// What became of it.
    state: LetterState,
    /// The address it was last sent to, or was to be.
    #[schema(required)]
    sent_to: Option<String>,
    /// How often it was tried.
    tries: i64,
    /// Why it was not sent, or not yet.
    #[schema(required)]
    reason: Option<String>,
    /// Since when it waits.
    created_at: Time,
    /// When it was last tried.
    #[schema(required)]
    tried_at: Option<Time>,
    /// When it was over.
    #[schema(required)]
    ended_at: Option<Time>,
}

impl From<Letter> for LetterShown {
    fn from(row: Letter) -> Self {
        Self {
            id: row.id.to_string(),
            kind: row.kind.into(),
            about: row.about,
            party: row.party_id.map(|p| p.to_string()),
            state: row.state.into(),
            sent_to: row.sent_to,
            tries: row.tries,
            reason: row.reason,
            created_at: row.created_at.into(),
            tried_at: row.tried_at.map(Time),
            ended_at: row.ended_at.map(Time),
        }
    }
}

/// Letters and what became of them, newest first. For coordinators.
#[utoipa::path(get, path = "/v1/letters", tag = "pace", operation_id = "letter_list", security(("bearer" = [])),
    params(LetterParameters), responses((status = 200, description = "A page.", body = PageOf<LetterShown>)))]
async fn letter_list(
    State(door): State<Door>,
    caller: Caller,
    OriginalUri(uri): OriginalUri,
    query: Query<LetterQuery>,
) -> Result<Response, Problem> {
    let LetterQuery { state, page } = query.0;
    let listed = door.service.letter_list(&caller.ctx, state, &page).await?;
    Ok(page_shown::<_, LetterShown>(&caller, &uri, listed))
}
