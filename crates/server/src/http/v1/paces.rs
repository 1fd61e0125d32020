//! `/v1/parties/{id}/pace` and `/v1/pace/queue`: at what pace a maintainer takes cases, and what waits for whom.
//!
//! Must not show a maintainer what waits for it.

use axum::extract::{Path, State};
use axum::response::Response;
use domain::case::CASE_REASON_BYTES_MAX;
use domain::embargo::EMBARGO_OUTER_DAYS_MAX;
use domain::id::{MemberId, PartyId};
use domain::pace::{PACE_GUESTS_COUNT_MAX, PACE_RATE_PER_WEEK_COUNT_MAX, PACE_SEASONS_COUNT_MAX, Release};
use domain::time::Timestamp;
use serde::Serialize;
use service::pace::{POLICY_URL_BYTES_MAX, PaceInput, PaceQueue, PaceView, Queued, TOLD_TO_BYTES_MAX};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::case_view::CaseFull;
use super::wire::{Cause, Hold, Outcome, Tier, Time, Told, path_id, texts};
use crate::http::answer;
use crate::http::asked::Asked;
use crate::http::caller::{Caller, Shows};
use crate::http::door::Door;
use crate::http::fields::{Fields, FromFields, Text};
use crate::http::problem::Problem;
use crate::http::query::{FromQuery, Parameters, Query};

pub(super) fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new().routes(routes!(pace_show, pace_set)).routes(routes!(pace_queue)).routes(routes!(case_except))
}

/// Longest day, in bytes: `2026-12-24`.
const DAY_BYTES_MAX: usize = 10;

/// Days on which nothing is handed over, both included, in UTC.
#[derive(Debug, ToSchema)]
pub(crate) struct SeasonSet {
    /// The first day, such as `2026-12-20`.
    #[schema(value_type = String, format = Date)]
    from: Timestamp,
    /// The last day.
    #[schema(value_type = String, format = Date)]
    to: Timestamp,
}

fn day(f: &mut Fields<'_>, name: &'static str) -> Option<Timestamp> {
    let text = f.text(name, Text::Line(DAY_BYTES_MAX))?;
    match text.parse() {
        Ok(at) if text.len() == DAY_BYTES_MAX => Some(at),
        _ => {
            f.refuse("malformed_day", name, "a day like 2026-12-24");
            None
        }
    }
}

impl FromFields for SeasonSet {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let (from, to) = (day(f, "from"), day(f, "to"));
        Some(Self { from: from?, to: to? })
    }
}

/// Somebody to be read in with each case.
#[derive(Debug, ToSchema)]
pub(crate) struct GuestSet {
    /// The person.
    #[schema(value_type = String)]
    member: MemberId,
    /// How much of the case: 1, 2 or 3.
    #[schema(value_type = Tier)]
    tier: domain::read_in::Tier,
}

impl FromFields for GuestSet {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let (member, tier) = (f.id("member"), f.word("tier"));
        Some(Self { member: member?, tier: tier? })
    }
}

/// At what pace a maintainer takes cases, all its packages together. What is left out is as if nothing had been set.
#[derive(Debug, ToSchema)]
pub(crate) struct PaceSet {
    /// Cases in any seven days; no limit when left out.
    #[schema(minimum = 1, maximum = 1_000)]
    rate_per_week: Option<i64>,
    /// Closed seasons.
    #[schema(value_type = Option<Vec<SeasonSet>>, max_items = 52)]
    seasons: Vec<SeasonSet>,
    /// Whether to be sent nothing at all; false when left out.
    #[schema(value_type = Option<bool>)]
    refuse: bool,
    /// Whether cases that are exploited in the wild may come outside rate and seasons; true when left out.
    #[schema(value_type = Option<bool>)]
    exceptions: bool,
    /// How to be told; `api` when left out.
    #[schema(value_type = Option<Told>)]
    told: domain::pace::Told,
    /// Where: an e-mail address, or the URL of an advisory channel.
    #[schema(min_length = 1, max_length = 320)]
    told_to: Option<String>,
    /// Where the embargo policy can be read.
    #[schema(min_length = 1, max_length = 512)]
    embargo_url: Option<String>,
    /// How long that policy keeps a case closed, in days from validation.
    #[schema(minimum = 1, maximum = 90)]
    embargo_days: Option<i64>,
    /// Who else is read in with each case.
    #[schema(value_type = Option<Vec<GuestSet>>, max_items = 50)]
    guests: Vec<GuestSet>,
}

impl FromFields for PaceSet {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let rate = f.integer_optional("rate_per_week", 1, PACE_RATE_PER_WEEK_COUNT_MAX);
        let seasons = f.objects("seasons", PACE_SEASONS_COUNT_MAX);
        let (refuse, exceptions) = (f.flag_optional("refuse"), f.flag_optional("exceptions"));
        let (told, to) = (f.word_optional("told"), f.text_optional("told_to", Text::Line(TOLD_TO_BYTES_MAX)));
        let url = f.text_optional("embargo_url", Text::Line(POLICY_URL_BYTES_MAX));
        let days = f.integer_optional("embargo_days", 1, EMBARGO_OUTER_DAYS_MAX);
        let guests = f.objects("guests", PACE_GUESTS_COUNT_MAX);
        Some(Self {
            rate_per_week: rate?,
            seasons: seasons?,
            refuse: refuse?.unwrap_or(false),
            exceptions: exceptions?.unwrap_or(true),
            told: told?.unwrap_or(domain::pace::Told::Api),
            told_to: to?,
            embargo_url: url?,
            embargo_days: days?,
            guests: guests?,
        })
    }
}

/// A reason why a case is to be handed over outside the pace.
#[derive(Debug, ToSchema)]
pub(crate) struct CaseExcept {
    /// Where it is exploited, and how that is known. The maintainer reads it.
    #[schema(min_length = 1, max_length = 2_000)]
    reason: String,
}

impl FromFields for CaseExcept {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        Some(Self { reason: f.text("reason", Text::Prose(CASE_REASON_BYTES_MAX))? })
    }
}

/// Which queue is wanted.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters; `QueueQuery` reads them")]
struct QueueParameters {
    /// Of this maintainer alone.
    party: Option<String>,
}

struct QueueQuery(Option<PartyId>);

impl FromQuery for QueueQuery {
    fn from_query(query: &mut Parameters) -> Option<Self> {
        query.parsed("party", "malformed_id").map(Self)
    }
}

/// Days on which nothing is handed over, both included.
#[derive(Debug, Serialize, ToSchema)]
struct SeasonShown {
    /// The first day.
    from: String,
    /// The last day.
    to: String,
}

/// Somebody who is read in with each case.
#[derive(Debug, Serialize, ToSchema)]
struct GuestShown {
    /// The person.
    member: String,
    /// How much of the case.
    tier: Tier,
}

/// A case that was handed over.
#[derive(Debug, Serialize, ToSchema)]
struct HandedOver {
    /// The case.
    case: String,
    /// When.
    at: Time,
    /// Why then.
    #[schema(required)]
    cause: Option<Cause>,
}

/// At what pace a maintainer takes cases, and where that stands.
#[derive(Debug, Serialize, ToSchema)]
struct PaceShown {
    /// Whose it is.
    party: String,
    /// Whether it set anything: who did not has no limit.
    is_set: bool,
    /// Cases in any seven days; `null` for no limit.
    #[schema(required)]
    rate_per_week: Option<i64>,
    /// Closed seasons.
    seasons: Vec<SeasonShown>,
    /// Whether it takes none.
    refuse: bool,
    /// Whether exploited ones may come outside rate and seasons.
    exceptions: bool,
    /// How it is told.
    told: Told,
    /// Where.
    #[schema(required)]
    told_to: Option<String>,
    /// Where its embargo policy can be read.
    #[schema(required)]
    embargo_url: Option<String>,
    /// How long that policy keeps a case closed, in days.
    #[schema(required)]
    embargo_days: Option<i64>,
    /// Who else is read in.
    guests: Vec<GuestShown>,
    /// When it was set.
    #[schema(required)]
    set_at: Option<Time>,
    /// Grows with every change; 0 when nothing was set.
    revision: i64,
    /// What was handed over in the last seven days and counts.
    released: Vec<HandedOver>,
    /// What holds the next one back now, whether or not one waits.
    #[schema(required)]
    hold: Option<Hold>,
    /// When the next one may come; `null` for now, and when nothing is taken.
    #[schema(required)]
    not_before: Option<Time>,
    /// Why it is not told in this way by this clearinghouse; `null` when it is.
    #[schema(required)]
    not_told: Option<&'static str>,
}

fn not_before(release: Release) -> Option<Time> {
    match release {
        Release::NotBefore(at, _) => Some(at.into()),
        Release::Now | Release::Never => None,
    }
}

impl From<PaceView> for PaceShown {
    fn from(view: PaceView) -> Self {
        let set = view.set.as_ref();
        let season = |(first, last): &(Timestamp, Timestamp)| SeasonShown { from: first.date(), to: last.date() };
        let guest = |(member, tier): &(MemberId, domain::read_in::Tier)| GuestShown {
            member: member.to_string(),
            tier: (*tier).into(),
        };
        let handed = |w: store::pace::Wait| {
            Some(HandedOver { case: w.case_id.to_string(), at: w.released_at?.into(), cause: w.cause.map(Cause) })
        };
        Self {
            party: view.party.to_string(),
            is_set: set.is_some(),
            rate_per_week: set.and_then(|s| s.rate_per_week),
            seasons: set.iter().flat_map(|s| &s.seasons).map(season).collect(),
            refuse: set.is_some_and(|s| s.refuse),
            exceptions: set.is_none_or(|s| s.exceptions),
            told: Told(set.map_or(domain::pace::Told::Api, |s| s.told)),
            told_to: set.and_then(|s| s.told_to.clone()),
            embargo_url: set.and_then(|s| s.embargo_url.clone()),
            embargo_days: set.and_then(|s| s.embargo_days),
            guests: set.iter().flat_map(|s| &s.guests).map(guest).collect(),
            set_at: set.map(|s| s.set_at.into()),
            revision: set.map_or(0, |s| s.revision),
            hold: view.next.hold().map(Hold),
            not_before: not_before(view.next),
            not_told: view.not_told,
            released: view.released.into_iter().filter_map(handed).collect(),
        }
    }
}

/// A case that waits for a maintainer.
#[derive(Debug, Serialize, ToSchema)]
struct QueuedShown {
    /// The case.
    case: String,
    /// The package.
    purl: String,
    /// The case in a line.
    title: String,
    /// Its ids elsewhere.
    aliases: Vec<String>,
    /// The maintainer it waits for.
    party: String,
    /// Its name.
    party_name: String,
    /// Since when it waits.
    since: Time,
    /// Whether it is exploited in the wild: KEV lists it, or an exception was asked for.
    exploited: bool,
    /// What the decision table says of it on an exposed asset.
    outcome: Outcome,
    /// Why it is to be an exception.
    #[schema(required)]
    exception_reason: Option<String>,
    /// What holds it back now; `null` when it is about to be handed over.
    #[schema(required)]
    hold: Option<Hold>,
    /// When it may be handed over if nothing comes in between; `null` for now, and when its maintainer takes none.
    #[schema(required)]
    not_before: Option<Time>,
    /// When its embargo ends: waiting does not lengthen it.
    #[schema(required)]
    embargo_ends: Option<Time>,
    /// Why its maintainer will not be told as it wants to be; `null` when it will.
    #[schema(required)]
    not_told: Option<&'static str>,
}

impl From<Queued> for QueuedShown {
    fn from(queued: Queued) -> Self {
        let waiting = queued.waiting;
        Self {
            case: waiting.wait.case_id.to_string(),
            purl: waiting.purl,
            title: waiting.title,
            aliases: texts(&waiting.aliases),
            party: waiting.wait.party_id.to_string(),
            party_name: waiting.party,
            since: waiting.wait.since.into(),
            exploited: queued.rank.exploited,
            outcome: queued.rank.outcome.into(),
            exception_reason: waiting.wait.exception_reason,
            hold: queued.release.hold().map(Hold),
            not_before: not_before(queued.release),
            embargo_ends: waiting.embargo_ends.map(Time),
            not_told: queued.not_told,
        }
    }
}

/// What waits for maintainers.
#[derive(Debug, Serialize, ToSchema)]
struct QueueShown {
    /// The cases, by maintainer, each in the order in which they go.
    #[schema(max_items = 1_000)]
    items: Vec<QueuedShown>,
    /// Whether more wait than are shown: ask for one maintainer.
    more: bool,
}

impl From<PaceQueue> for QueueShown {
    fn from(queue: PaceQueue) -> Self {
        Self { items: queue.queued.into_iter().map(QueuedShown::from).collect(), more: queue.more }
    }
}

/// At what pace a maintainer takes cases: your own party, or any for coordinators. It does not tell whether anything waits.
#[utoipa::path(get, path = "/v1/parties/{id}/pace", tag = "pace", operation_id = "pace_show", security(("bearer" = [])),
    params(("id" = String, Path, description = "A party's id.")),
    responses((status = 200, description = "The pace.", body = PaceShown)))]
async fn pace_show(State(door): State<Door>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let view = door.service.pace_show(&caller.ctx, path_id(&id, "party")?).await?;
    Ok(caller.shown(&PaceShown::from(view)))
}

/// Set at what pace your own party takes cases, in place of what was set before. Only a maintainer may.
#[utoipa::path(put, path = "/v1/parties/{id}/pace", tag = "pace", operation_id = "pace_set", security(("bearer" = [])),
    params(("id" = String, Path, description = "A party's id.")), request_body = PaceSet,
    responses((status = 200, description = "The pace.", body = PaceShown)))]
async fn pace_set(
    State(door): State<Door>,
    Path(id): Path<String>,
    asked: Asked<PaceSet>,
) -> Result<Response, Problem> {
    let set = asked.input;
    let input = PaceInput {
        rate_per_week: set.rate_per_week,
        seasons: set.seasons.into_iter().map(|s| (s.from, s.to)).collect(),
        refuse: set.refuse,
        exceptions: set.exceptions,
        told: set.told,
        told_to: set.told_to,
        embargo_url: set.embargo_url,
        embargo_days: set.embargo_days,
        guests: set.guests.into_iter().map(|g| (g.member, g.tier)).collect(),
    };
    let view = door.service.pace_set(&asked.ctx, path_id(&id, "party")?, input).await?;
    Ok(answer::ok(&PaceShown::from(view)))
}

/// What waits for its maintainers, why, and when each may be handed over. For coordinators.
#[utoipa::path(get, path = "/v1/pace/queue", tag = "pace", operation_id = "pace_queue", security(("bearer" = [])),
    params(QueueParameters), responses((status = 200, description = "The queue.", body = QueueShown)))]
async fn pace_queue(State(door): State<Door>, caller: Caller, query: Query<QueueQuery>) -> Result<Response, Problem> {
    let queue = door.service.pace_queue(&caller.ctx, query.0.0).await?;
    Ok(caller.shown(&QueueShown::from(queue)))
}

/// Ask that a case that is exploited in the wild be handed over outside its maintainers' paces. For coordinators.
#[utoipa::path(post, path = "/v1/cases/{id}/exception", tag = "pace", operation_id = "case_except", security(("bearer" = [])),
    params(("id" = String, Path, description = "A case's id.")), request_body = CaseExcept,
    responses((status = 200, description = "The case.", body = CaseFull)))]
async fn case_except(
    State(door): State<Door>,
    Path(id): Path<String>,
    asked: Asked<CaseExcept>,
) -> Result<Response, Problem> {
    let view = door.service.case_except(&asked.ctx, path_id(&id, "case")?, &asked.input.reason).await?;
    Ok(answer::ok(&CaseFull::from(view)))
}
