//! `/v1/registrations`: a maintainer asks to take part without a token, comes back with its secret, and a coordinator decides.
//!
//! Must not tell who registered to anybody but the holder of the secret and coordinators: a wrong secret is answered as no registration.

use axum::extract::{OriginalUri, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::case::CASE_REASON_BYTES_MAX;
use domain::package::{PURL_BYTES_MAX, Package};
use domain::party::NAME_BYTES_MAX;
use serde::Serialize;
use service::ServiceError;
use service::party::CONTACT_BYTES_MAX;
use service::registration::{
    CHALLENGE_LABEL, DOMAIN_BYTES_MAX, FILE_URL_BYTES_MAX, REGISTRATION_PACKAGES_COUNT_MAX, RegistrationInput,
    RegistrationView,
};
use service::registration_check::{Check, EMAIL_TOKEN_BYTES_MAX};
use store::Page;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::parties::packages;
use super::tokens::TokenShown;
use super::wire::{PageOf, RegistrationState, Time, Way, page_shown, path_id, texts};
use crate::http::answer;
use crate::http::asked::{Asked, Unknown};
use crate::http::caller::{Caller, Registrant};
use crate::http::door::Door;
use crate::http::fields::{Fields, FromFields, Nothing, Text};
use crate::http::problem::Problem;
use crate::http::query::{FromQuery, Parameters, Query};

pub(super) fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(registration_create, registration_list))
        .routes(routes!(registration_show))
        .routes(routes!(registration_check))
        .routes(routes!(registration_token))
        .routes(routes!(registration_accept))
        .routes(routes!(registration_decline))
}

/// A maintainer that asks to take part.
#[derive(Debug, ToSchema)]
pub(crate) struct RegistrationCreate {
    /// The name of the project or organisation.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// The named human who answers for it.
    #[schema(min_length = 1, max_length = 200)]
    accountable: String,
    /// Its e-mail address.
    #[schema(min_length = 3, max_length = 320)]
    contact: String,
    /// The packages it maintains, as purls without versions.
    #[schema(value_type = Vec<String>, min_items = 1, max_items = 50)]
    packages: Vec<Package>,
    /// Where it would put a file, such as `https://code.example/project/raw/main/proofhouse-challenge.txt`.
    #[schema(min_length = 1, max_length = 512)]
    file_url: Option<String>,
    /// The domain in which it would put a record: that of the contact or of the file's URL, or one above it.
    #[schema(min_length = 3, max_length = 253)]
    domain: Option<String>,
}

impl FromFields for RegistrationCreate {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let (name, accountable) =
            (f.text("name", Text::Line(NAME_BYTES_MAX)), f.text("accountable", Text::Line(NAME_BYTES_MAX)));
        let contact = f.text("contact", Text::Line(CONTACT_BYTES_MAX));
        let purls = f.texts("packages", REGISTRATION_PACKAGES_COUNT_MAX, Text::Line(PURL_BYTES_MAX));
        let packages = purls.and_then(|purls| packages(f, &purls));
        let file_url = f.text_optional("file_url", Text::Line(FILE_URL_BYTES_MAX));
        let domain = f.text_optional("domain", Text::Line(DOMAIN_BYTES_MAX));
        Some(Self {
            name: name?,
            accountable: accountable?,
            contact: contact?,
            packages: packages?,
            file_url: file_url?,
            domain: domain?,
        })
    }
}

/// What is to be checked.
#[derive(Debug, ToSchema)]
pub(crate) struct RegistrationCheck {
    /// How: by e-mail, a file or a record.
    #[schema(value_type = Way)]
    by: store::registration::Way,
    /// With `email`: the token that came. Without it a letter with one is sent.
    #[schema(min_length = 1, max_length = 128)]
    token: Option<String>,
}

impl FromFields for RegistrationCheck {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let (by, token) = (f.word("by"), f.text_optional("token", Text::Line(EMAIL_TOKEN_BYTES_MAX)));
        let (by, token) = (by?, token?);
        if token.is_some() && by != store::registration::Way::Email {
            f.refuse("field_not_allowed", "token", "only an e-mail brings a token");
            return None;
        }
        Some(Self { by, token })
    }
}

/// Largest number of cases that can be said.
const HAND_OVER_COUNT_MAX: i64 = 1_000_000;

/// With which packages a registration becomes a party.
#[derive(Debug, ToSchema)]
pub(crate) struct RegistrationAccept {
    /// Only these of those that were asked for; all when left out.
    #[schema(value_type = Option<Vec<String>>, max_items = 50)]
    packages: Option<Vec<Package>>,
    /// How many live cases the party is handed with them. Needed where one of them has maintainers or live cases here already; refused where
    /// it is another number.
    #[schema(minimum = 0, maximum = 1_000_000)]
    hand_over: Option<i64>,
}

impl FromFields for RegistrationAccept {
    const MAY_BE_ABSENT: bool = true;

    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let hand_over = f.integer_optional("hand_over", 0, HAND_OVER_COUNT_MAX);
        if !f.has("packages") {
            return Some(Self { packages: None, hand_over: hand_over? });
        }
        let purls = f.texts("packages", REGISTRATION_PACKAGES_COUNT_MAX, Text::Line(PURL_BYTES_MAX))?;
        Some(Self { packages: Some(packages(f, &purls)?), hand_over: hand_over? })
    }
}

/// Why a registration is declined.
#[derive(Debug, ToSchema)]
pub(crate) struct RegistrationDecline {
    /// Who registered reads it.
    #[schema(min_length = 1, max_length = 2_000)]
    reason: String,
}

impl FromFields for RegistrationDecline {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        Some(Self { reason: f.text("reason", Text::Prose(CASE_REASON_BYTES_MAX))? })
    }
}

/// Which registrations are wanted.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters; `RegistrationQuery` reads them")]
struct RegistrationParameters {
    /// Those in this state; all when left out.
    #[param(value_type = Option<RegistrationState>)]
    state: Option<String>,
    /// Where the list goes on: `next` of the page before.
    #[param(max_length = 128)]
    cursor: Option<String>,
    /// Rows wanted, 25 when left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

struct RegistrationQuery {
    state: Option<store::registration::RegistrationState>,
    page: Page,
}

impl FromQuery for RegistrationQuery {
    fn from_query(query: &mut Parameters) -> Option<Self> {
        let (state, page) = (query.word("state"), query.page());
        Some(Self { state: state?, page: page? })
    }
}

/// Something of a registration that was verified.
#[derive(Debug, Serialize, ToSchema)]
struct VerificationShown {
    /// How.
    by: Way,
    /// What: an address, a URL or a domain.
    subject: String,
    /// When.
    at: Time,
}

/// What a package that is asked for has here already.
#[derive(Debug, Serialize, ToSchema)]
struct PackageHeldShown {
    /// Which: a canonical purl.
    package: String,
    /// The names of the parties that maintain it.
    maintainers: Vec<String>,
    /// Its live cases: whoever maintains it is handed them.
    live_cases: i64,
}

/// A maintainer that asks to take part.
#[derive(Debug, Serialize, ToSchema)]
struct RegistrationShown {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// Who answers for it.
    accountable: String,
    /// Its e-mail address.
    contact: String,
    /// The packages it says it maintains.
    packages: Vec<String>,
    /// Where it stands.
    state: RegistrationState,
    /// What was verified. It is not the right to a package.
    verified: Vec<VerificationShown>,
    /// Those packages that have maintainers or live cases here already: to be looked at before it is accepted. In coordinators' lists, while it
    /// is open.
    #[schema(required)]
    held: Option<Vec<PackageHeldShown>>,
    /// What file and record must hold, and nothing else.
    challenge: String,
    /// Where the file must be.
    #[schema(required)]
    file_url: Option<String>,
    /// The name of the TXT record.
    #[schema(required)]
    record: Option<String>,
    /// When a coordinator decided, or it expired.
    #[schema(required)]
    decided_at: Option<Time>,
    /// Why it was declined.
    #[schema(required)]
    reason: Option<String>,
    /// The party it became.
    #[schema(required)]
    party: Option<String>,
    /// When it came.
    created_at: Time,
    /// The secret to come back with, once; `null` afterwards.
    #[schema(required)]
    secret: Option<String>,
}

impl From<service::registration::PackageHeld> for PackageHeldShown {
    fn from(held: service::registration::PackageHeld) -> Self {
        Self { package: held.package, maintainers: held.maintainers, live_cases: held.live_cases }
    }
}

impl From<RegistrationView> for RegistrationShown {
    fn from(view: RegistrationView) -> Self {
        let row = view.registration;
        let verified = |v: store::registration::Verification| VerificationShown {
            by: v.way.into(),
            subject: v.subject,
            at: v.at.into(),
        };
        Self {
            id: row.id.to_string(),
            name: row.name,
            accountable: row.accountable,
            contact: row.contact,
            packages: texts(&row.packages),
            state: row.state.into(),
            verified: view.verified.into_iter().map(verified).collect(),
            held: view.held.map(|held| held.into_iter().map(PackageHeldShown::from).collect()),
            challenge: row.challenge,
            file_url: row.file_url,
            record: row.domain.map(|domain| format!("{CHALLENGE_LABEL}.{domain}")),
            decided_at: row.decided_at.map(Time),
            reason: row.reason,
            party: row.party_id.map(|p| p.to_string()),
            created_at: row.created_at.into(),
            secret: view.secret,
        }
    }
}

/// Counts a secret that opened nothing against the address that tried it.
fn tried<T>(door: &Door, who: &Registrant, result: Result<T, ServiceError>) -> Result<T, Problem> {
    if matches!(result, Err(ServiceError::NotFound(_))) {
        who.refused(door);
    }
    Ok(result?)
}

/// Ask to take part as a maintainer. Without a token, a few an hour for each address. The answer is the same whoever is here already,
/// and holds a secret to come back with.
#[utoipa::path(post, path = "/v1/registrations", tag = "registrations", operation_id = "registration_create",
    request_body = RegistrationCreate, responses((status = 201, description = "Taken.", body = RegistrationShown)))]
async fn registration_create(
    State(door): State<Door>,
    asked: Unknown<RegistrationCreate>,
) -> Result<Response, Problem> {
    asked.who.registers(&door)?;
    let RegistrationCreate { name, accountable, contact, packages, file_url, domain } = asked.input;
    let input = RegistrationInput { name, accountable, contact, packages, file_url, domain };
    let view = door.service.registration_create(input).await?;
    Ok(answer::secret(StatusCode::CREATED, &RegistrationShown::from(view)))
}

/// A registration, for whoever sends its secret as a bearer token.
#[utoipa::path(get, path = "/v1/registrations/{id}", tag = "registrations", operation_id = "registration_show",
    security(("registration" = [])), params(("id" = String, Path, description = "A registration's id.")),
    responses((status = 200, description = "The registration.", body = RegistrationShown)))]
async fn registration_show(
    State(door): State<Door>,
    who: Registrant,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = path_id(&id, "registration")?;
    let view = tried(&door, &who, door.service.registration_show(id, &who.secret).await)?;
    Ok(answer::secret(StatusCode::OK, &RegistrationShown::from(view)))
}

/// Have something verified now: send a letter, take the token that came, look for the file or for the record.
#[utoipa::path(post, path = "/v1/registrations/{id}/check", tag = "registrations", operation_id = "registration_check",
    security(("registration" = [])), params(("id" = String, Path, description = "A registration's id.")),
    request_body = RegistrationCheck,
    responses((status = 200, description = "It was verified, or the letter was asked for.", body = RegistrationShown)))]
async fn registration_check(
    State(door): State<Door>,
    Path(id): Path<String>,
    asked: Unknown<RegistrationCheck>,
) -> Result<Response, Problem> {
    use store::registration::Way;
    let id = path_id(&id, "registration")?;
    let check = match (asked.input.by, asked.input.token) {
        (Way::Email, Some(token)) => Check::EmailToken(token),
        (Way::Email, None) => Check::EmailSend,
        (Way::File, _) => Check::File,
        (Way::Dns, _) => Check::Dns,
    };
    let done = door.service.registration_check(id, &asked.who.secret, check).await;
    Ok(answer::secret(StatusCode::OK, &RegistrationShown::from(tried(&door, &asked.who, done)?)))
}

/// The first token of a registration that was accepted. Once: its secret stands in this answer and nowhere else.
#[utoipa::path(post, path = "/v1/registrations/{id}/token", tag = "registrations", operation_id = "registration_token",
    security(("registration" = [])), params(("id" = String, Path, description = "A registration's id.")),
    responses((status = 201, description = "The token.", body = TokenShown)))]
async fn registration_token(
    State(door): State<Door>,
    Path(id): Path<String>,
    asked: Unknown<Nothing>,
) -> Result<Response, Problem> {
    let id = path_id(&id, "registration")?;
    let issued = tried(&door, &asked.who, door.service.registration_token(id, &asked.who.secret).await)?;
    Ok(answer::secret(StatusCode::CREATED, &TokenShown::from(issued)))
}

/// Registrations, what was verified of each, and how and when. For coordinators with scope `admin`.
#[utoipa::path(get, path = "/v1/registrations", tag = "registrations", operation_id = "registration_list",
    security(("bearer" = [])), params(RegistrationParameters),
    responses((status = 200, description = "A page.", body = PageOf<RegistrationShown>)))]
async fn registration_list(
    State(door): State<Door>,
    caller: Caller,
    OriginalUri(uri): OriginalUri,
    query: Query<RegistrationQuery>,
) -> Result<Response, Problem> {
    let RegistrationQuery { state, page } = query.0;
    let listed = door.service.registration_list(&caller.ctx, state, &page).await?;
    Ok(page_shown::<_, RegistrationShown>(&caller, &uri, listed))
}

/// Make the party, with all packages that were asked for or only some. For coordinators with scope `admin`.
#[utoipa::path(post, path = "/v1/registrations/{id}/accept", tag = "registrations", operation_id = "registration_accept",
    security(("bearer" = [])), params(("id" = String, Path, description = "A registration's id.")),
    request_body = RegistrationAccept,
    responses((status = 200, description = "The party was made.", body = RegistrationShown)))]
async fn registration_accept(
    State(door): State<Door>,
    Path(id): Path<String>,
    asked: Asked<RegistrationAccept>,
) -> Result<Response, Problem> {
    let id = path_id(&id, "registration")?;
    let view = {
        let RegistrationAccept { packages, hand_over } = asked.input;
        door.service.registration_accept(&asked.ctx, id, packages, hand_over).await?
    };
    Ok(answer::ok(&RegistrationShown::from(view)))
}

/// Say no, with a reason. For coordinators with scope `admin`.
#[utoipa::path(post, path = "/v1/registrations/{id}/decline", tag = "registrations", operation_id = "registration_decline",
    security(("bearer" = [])), params(("id" = String, Path, description = "A registration's id.")),
    request_body = RegistrationDecline,
    responses((status = 200, description = "It was declined.", body = RegistrationShown)))]
async fn registration_decline(
    State(door): State<Door>,
    Path(id): Path<String>,
    asked: Asked<RegistrationDecline>,
) -> Result<Response, Problem> {
    let id = path_id(&id, "registration")?;
    let view = door.service.registration_decline(&asked.ctx, id, &asked.input.reason).await?;
    Ok(answer::ok(&RegistrationShown::from(view)))
}
