//! `/v1/parties`: who takes part, and their members.
//!
//! Must not show one party to another: that is for coordinators.

use axum::extract::{OriginalUri, Path, State};
use axum::response::Response;
use domain::package::{PURL_BYTES_MAX, Package};
use domain::party::NAME_BYTES_MAX;
use serde::Serialize;
use service::party::{CONTACT_BYTES_MAX, PARTY_PACKAGES_COUNT_MAX, PartyInput, PartyView};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{PageOf, Role, Time, page_shown, path_id};
use super::{PageParameters, PageQuery};
use crate::http::answer;
use crate::http::asked::Asked;
use crate::http::caller::{Caller, Shows};
use crate::http::door::Door;
use crate::http::fields::{Fields, FromFields, Text};
use crate::http::problem::Problem;
use crate::http::query::Query;

pub(super) fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(party_create, party_list))
        .routes(routes!(party_show))
        .routes(routes!(member_create))
}

/// A party to be made.
#[derive(Debug, ToSchema)]
pub(crate) struct PartyCreate {
    /// Its name.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// The named human who answers for it; becomes its first member.
    #[schema(min_length = 1, max_length = 200)]
    accountable: String,
    /// What it does here.
    #[schema(value_type = Vec<Role>, min_items = 1, max_items = 5)]
    roles: Vec<domain::party::Role>,
    /// How to reach it.
    #[schema(max_length = 320)]
    contact: Option<String>,
    /// The packages it maintains, as purls without versions.
    #[schema(value_type = Option<Vec<String>>, max_items = 1_000)]
    packages: Vec<Package>,
}

impl FromFields for PartyCreate {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let (name, accountable) =
            (f.text("name", Text::Line(NAME_BYTES_MAX)), f.text("accountable", Text::Line(NAME_BYTES_MAX)));
        let (roles, contact) = (f.words("roles", 5), f.text_optional("contact", Text::Line(CONTACT_BYTES_MAX)));
        let purls = f.texts("packages", PARTY_PACKAGES_COUNT_MAX, Text::Line(PURL_BYTES_MAX));
        let packages = purls.and_then(|purls| packages(f, &purls));
        Some(Self { name: name?, accountable: accountable?, roles: roles?, contact: contact?, packages: packages? })
    }
}

pub(super) fn packages(f: &mut Fields<'_>, purls: &[String]) -> Option<Vec<Package>> {
    let mut all = Some(Vec::new());
    for (i, purl) in purls.iter().enumerate() {
        match (purl.parse(), &mut all) {
            (Ok(package), Some(packages)) => packages.push(package),
            (Ok(_), None) => {}
            (Err(error), _) => {
                f.refuse(
                    "invalid_purl",
                    &format!("packages[{i}]"),
                    domain::package::MalformedPackage::to_string(&error),
                );
                all = None;
            }
        }
    }
    all
}

/// A person or agent to be added.
#[derive(Debug, ToSchema)]
pub(crate) struct MemberCreate {
    /// Its name.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
}

impl FromFields for MemberCreate {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        Some(Self { name: f.text("name", Text::Line(NAME_BYTES_MAX))? })
    }
}

/// An organisation or person that takes part.
#[derive(Debug, Serialize, ToSchema)]
struct PartyShown {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// Who answers for it.
    accountable: String,
    /// What it does here.
    roles: Vec<Role>,
    /// How to reach it.
    contact: String,
    /// Since when.
    created_at: Time,
}

impl From<store::party::Party> for PartyShown {
    fn from(row: store::party::Party) -> Self {
        Self {
            id: row.id.to_string(),
            name: row.name,
            accountable: row.accountable,
            roles: row.roles.into_iter().map(Role).collect(),
            contact: row.contact,
            created_at: row.created_at.into(),
        }
    }
}

/// One person or agent of a party.
#[derive(Debug, Serialize, ToSchema)]
struct MemberShown {
    /// Its id: tokens and read-ins are for members.
    id: String,
    /// Its party.
    party: String,
    /// Its name.
    name: String,
    /// Since when.
    created_at: Time,
}

impl From<store::party::Member> for MemberShown {
    fn from(row: store::party::Member) -> Self {
        Self {
            id: row.id.to_string(),
            party: row.party_id.to_string(),
            name: row.name,
            created_at: row.created_at.into(),
        }
    }
}

/// A party with its members and packages.
#[derive(Debug, Serialize, ToSchema)]
struct PartyFull {
    #[serde(flatten)]
    party: PartyShown,
    /// Its members.
    members: Vec<MemberShown>,
    /// The packages it maintains, as canonical purls.
    packages: Vec<String>,
    /// The coordinator's member who made it by hand, and vouches for it; `null` when it registered itself, and where that was not noted.
    #[schema(required)]
    vouched_by: Option<String>,
    /// The registration it was, if it registered itself.
    #[schema(required)]
    registration: Option<String>,
}

impl From<PartyView> for PartyFull {
    fn from(view: PartyView) -> Self {
        Self {
            party: view.party.into(),
            members: view.members.into_iter().map(MemberShown::from).collect(),
            packages: view.packages,
            vouched_by: view.origin.filter(|o| o.registration_id.is_none()).map(|o| o.by.to_string()),
            registration: view.origin.and_then(|o| o.registration_id).map(|id| id.to_string()),
        }
    }
}

/// Make a party with one member, its accountable person. For coordinators with scope `admin`.
#[utoipa::path(post, path = "/v1/parties", tag = "parties", operation_id = "party_create", security(("bearer" = [])),
    request_body = PartyCreate, responses((status = 201, description = "Made.", body = PartyFull)))]
async fn party_create(State(door): State<Door>, asked: Asked<PartyCreate>) -> Result<Response, Problem> {
    let PartyCreate { name, accountable, roles, contact, packages } = asked.input;
    let input = PartyInput { name, accountable, roles, contact: contact.unwrap_or_default(), packages };
    let view = door.service.party_create(&asked.ctx, input).await?;
    let location = format!("/v1/parties/{}", view.party.id);
    Ok(answer::created(&location, &PartyFull::from(view)))
}

/// All parties. For coordinators with scope `admin`.
#[utoipa::path(get, path = "/v1/parties", tag = "parties", operation_id = "party_list", security(("bearer" = [])),
    params(PageParameters), responses((status = 200, description = "A page.", body = PageOf<PartyShown>)))]
async fn party_list(
    State(door): State<Door>,
    caller: Caller,
    OriginalUri(uri): OriginalUri,
    query: Query<PageQuery>,
) -> Result<Response, Problem> {
    let listed = door.service.party_list(&caller.ctx, &query.0.0).await?;
    Ok(page_shown::<_, PartyShown>(&caller, &uri, listed))
}

/// One party: your own, or any for coordinators.
#[utoipa::path(get, path = "/v1/parties/{id}", tag = "parties", operation_id = "party_show", security(("bearer" = [])),
    params(("id" = String, Path, description = "A party's id.")),
    responses((status = 200, description = "The party.", body = PartyFull)))]
async fn party_show(State(door): State<Door>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let view = door.service.party_show(&caller.ctx, path_id(&id, "party")?).await?;
    Ok(caller.shown(&PartyFull::from(view)))
}

/// Add a person or agent to a party. For coordinators with scope `admin`.
#[utoipa::path(post, path = "/v1/parties/{id}/members", tag = "parties", operation_id = "member_create", security(("bearer" = [])),
    params(("id" = String, Path, description = "A party's id.")), request_body = MemberCreate,
    responses((status = 201, description = "Added.", body = MemberShown)))]
async fn member_create(
    State(door): State<Door>,
    Path(id): Path<String>,
    asked: Asked<MemberCreate>,
) -> Result<Response, Problem> {
    let party = path_id(&id, "party")?;
    let member = door.service.member_create(&asked.ctx, party, &asked.input.name).await?;
    Ok(answer::created(&format!("/v1/parties/{party}"), &MemberShown::from(member)))
}
