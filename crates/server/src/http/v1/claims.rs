//! `/v1/claims`: take, show, list, renew and release claims.
//!
//! Must not refuse a claim because another holds one: overlap is told.

use axum::extract::{OriginalUri, Path, State};
use axum::response::Response;
use domain::claim::{CLAIM_LEASE_S_MAX, CLAIM_LEASE_S_MIN, CLAIM_SCOPE_PART_BYTES_MAX, COVERAGE_BYTES_MAX};
use domain::package::PURL_BYTES_MAX;
use serde::{Deserialize, Serialize};
use service::claim::{ClaimInput, ClaimTaken};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{ClaimState, Method, PageOf, Shown, Time, page_shown, path_id};
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
        .routes(routes!(claim_take, claim_list))
        .routes(routes!(claim_show))
        .routes(routes!(claim_renew))
        .routes(routes!(claim_release))
}

/// What a claim is about.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Scope {
    /// A package, optionally a range of its versions and a path inside it.
    Package {
        /// The package, as a purl without a version.
        #[schema(max_length = 512, example = "pkg:npm/lodash")]
        purl: String,
        /// A version range, as VERS text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(max_length = 512)]
        versions: Option<String>,
        /// A path inside the package.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(max_length = 512)]
        path: Option<String>,
    },
    /// A repository, optionally a commit range and a path.
    Repository {
        /// Absolute http(s) URL.
        #[schema(max_length = 512)]
        url: String,
        /// `from..to` in hex.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(max_length = 512)]
        commits: Option<String>,
        /// A path inside the repository.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(max_length = 512)]
        path: Option<String>,
    },
    /// A network range.
    Network {
        /// `192.0.2.0/24`.
        #[schema(max_length = 64)]
        cidr: String,
    },
}

domain::words! {
    /// The kinds of scope.
    pub enum ScopeKind {
        /// A package.
        Package = "package",
        /// A repository.
        Repository = "repository",
        /// A network range.
        Network = "network",
    }
}

const PART: Text = Text::Line(CLAIM_SCOPE_PART_BYTES_MAX);

struct ReadScope(domain::claim::Scope);

impl FromFields for ReadScope {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        use domain::claim::Scope;
        let Some(kind) = f.word::<ScopeKind>("kind") else {
            f.ask_no_more();
            return None;
        };
        let read = match kind {
            ScopeKind::Package => {
                let purl = f.text("purl", Text::Line(PURL_BYTES_MAX));
                let (versions, path) = (f.text_optional("versions", PART), f.text_optional("path", PART));
                let package = purl?
                    .parse()
                    .map_err(|e: domain::package::MalformedPackage| ("invalid_purl", "purl", e.to_string()));
                let (versions, path) = (versions?, path?);
                package.and_then(|p| {
                    Scope::package(p, versions, path).map_err(|e| ("malformed_scope", "purl", e.to_string()))
                })
            }
            ScopeKind::Repository => {
                let url = f.text("url", PART);
                let (commits, path) = (f.text_optional("commits", PART), f.text_optional("path", PART));
                Scope::repository(&url?, commits?, path?).map_err(|e| ("malformed_scope", "url", e.to_string()))
            }
            ScopeKind::Network => {
                let cidr = f.text("cidr", Text::Line(64))?;
                Scope::network(&cidr).map_err(|e| ("malformed_scope", "cidr", e.to_string()))
            }
        };
        match read {
            Ok(scope) => Some(Self(scope)),
            Err((code, field, reason)) => {
                f.refuse(code, field, reason);
                None
            }
        }
    }
}

/// A claim to be taken.
#[derive(Debug, ToSchema)]
pub(crate) struct ClaimTake {
    /// What will be looked at.
    #[schema(value_type = Scope)]
    scope: domain::claim::Scope,
    /// How.
    #[schema(value_type = Method)]
    method: domain::claim::Method,
    /// What an overlapping party may see of it; `existence` when left out.
    #[schema(value_type = Option<Shown>)]
    shown: domain::claim::Shown,
    /// For how long, in seconds; one day when left out.
    #[schema(value_type = Option<i64>, minimum = 60, maximum = 2_592_000)]
    lease_s: i64,
}

/// Length of a lease when nothing is said, in seconds.
const LEASE_S_DEFAULT: i64 = 86_400;

impl FromFields for ClaimTake {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let scope: Option<ReadScope> = f.object("scope");
        let method = f.word("method");
        let shown = f.word_optional("shown");
        let lease_s = f.integer_optional("lease_s", CLAIM_LEASE_S_MIN, CLAIM_LEASE_S_MAX);
        Some(Self {
            scope: scope?.0,
            method: method?,
            shown: shown?.unwrap_or(domain::claim::Shown::Existence),
            lease_s: lease_s?.unwrap_or(LEASE_S_DEFAULT),
        })
    }
}

/// A lease to be lengthened.
#[derive(Debug, ToSchema)]
pub(crate) struct ClaimRenew {
    /// The fencing token that came with the claim.
    #[schema(minimum = 1)]
    fence: i64,
    /// For how long from now, in seconds.
    #[schema(minimum = 60, maximum = 2_592_000)]
    lease_s: i64,
}

impl FromFields for ClaimRenew {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let (fence, lease_s) =
            (f.integer("fence", 1, i64::MAX), f.integer("lease_s", CLAIM_LEASE_S_MIN, CLAIM_LEASE_S_MAX));
        Some(Self { fence: fence?, lease_s: lease_s? })
    }
}

/// A claim to be given back.
#[derive(Debug, ToSchema)]
pub(crate) struct ClaimRelease {
    /// The fencing token that came with the claim.
    #[schema(minimum = 1)]
    fence: i64,
    /// What was looked at, and how hard.
    #[schema(min_length = 1, max_length = 16_384)]
    coverage: String,
}

impl FromFields for ClaimRelease {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let (fence, coverage) = (f.integer("fence", 1, i64::MAX), f.text("coverage", Text::Prose(COVERAGE_BYTES_MAX)));
        Some(Self { fence: fence?, coverage: coverage? })
    }
}

/// A claim.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Claim {
    /// Its id.
    id: String,
    /// Who holds it.
    party: String,
    /// What it is about; `null` only if the stored form is damaged.
    #[schema(value_type = Scope)]
    scope: Option<Scope>,
    /// How the holder looks.
    method: Method,
    /// What others see of it.
    shown: Shown,
    /// Whether it is held.
    state: ClaimState,
    /// The fencing token: renew and release need it.
    fence: i64,
    /// When it was taken.
    taken_at: Time,
    /// When its lease ends.
    until: Time,
    /// When it was given back.
    #[schema(required)]
    released_at: Option<Time>,
    /// What was looked at, once given back.
    #[schema(required)]
    coverage: Option<String>,
}

impl From<store::claim::Claim> for Claim {
    fn from(row: store::claim::Claim) -> Self {
        Self {
            id: row.id.to_string(),
            party: row.party_id.to_string(),
            scope: serde_json::from_str(&row.scope).ok(),
            method: row.method.into(),
            shown: row.shown.into(),
            state: row.state.into(),
            fence: row.fence,
            taken_at: row.taken_at.into(),
            until: row.until.into(),
            released_at: row.released_at.map(Time),
            coverage: row.coverage,
        }
    }
}

/// Another party's live claim that overlaps, as far as its holder shows it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Overlap {
    /// When its lease ends.
    until: Time,
    /// How the holder looks, if shown.
    #[schema(required)]
    method: Option<Method>,
    /// Who holds it, if shown.
    #[schema(required)]
    party: Option<String>,
}

/// A claim and what overlaps it now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClaimShown {
    #[serde(flatten)]
    claim: Claim,
    /// Live claims of others that share its scope.
    overlaps: Vec<Overlap>,
}

impl From<ClaimTaken> for ClaimShown {
    fn from(taken: ClaimTaken) -> Self {
        let overlap = |o: service::claim::Overlap| Overlap {
            until: o.until.into(),
            method: o.method.map(Method),
            party: o.party,
        };
        Self { claim: taken.claim.into(), overlaps: taken.overlaps.into_iter().map(overlap).collect() }
    }
}

/// Take a claim: say what you look at before you look. Overlapping live claims of others are told at
/// once, with only what their holders show; a claim is never refused because of them.
#[utoipa::path(post, path = "/v1/claims", tag = "claims", operation_id = "claim_take", security(("bearer" = [])),
    request_body = ClaimTake,
    responses((status = 201, description = "Taken.", body = ClaimShown)))]
async fn claim_take(State(door): State<Door>, asked: Asked<ClaimTake>) -> Result<Response, Problem> {
    let ClaimTake { scope, method, shown, lease_s } = asked.input;
    let taken = door.service.claim_take(&asked.ctx, ClaimInput { scope, method, shown, lease_s }).await?;
    let location = format!("/v1/claims/{}", taken.claim.id);
    Ok(answer::created(&location, &ClaimShown::from(taken)))
}

/// The claims of your party; for coordinators all.
#[utoipa::path(get, path = "/v1/claims", tag = "claims", operation_id = "claim_list", security(("bearer" = [])),
    params(PageParameters), responses((status = 200, description = "A page.", body = PageOf<Claim>)))]
async fn claim_list(
    State(door): State<Door>,
    caller: Caller,
    OriginalUri(uri): OriginalUri,
    query: Query<PageQuery>,
) -> Result<Response, Problem> {
    let listed = door.service.claim_list(&caller.ctx, &query.0.0).await?;
    Ok(page_shown::<_, Claim>(&caller, &uri, listed))
}

/// One claim of your party, with what overlaps it now.
#[utoipa::path(get, path = "/v1/claims/{id}", tag = "claims", operation_id = "claim_show", security(("bearer" = [])),
    params(("id" = String, Path, description = "A claim's id.")),
    responses((status = 200, description = "The claim.", body = ClaimShown)))]
async fn claim_show(State(door): State<Door>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let shown = door.service.claim_show(&caller.ctx, path_id(&id, "claim")?).await?;
    Ok(caller.shown(&ClaimShown::from(shown)))
}

/// Lengthen a live lease. Needs the fencing token; 409 `fence_stale` or `claim_ended` otherwise.
#[utoipa::path(post, path = "/v1/claims/{id}/renew", tag = "claims", operation_id = "claim_renew", security(("bearer" = [])),
    params(("id" = String, Path, description = "A claim's id.")), request_body = ClaimRenew,
    responses((status = 200, description = "Renewed.", body = ClaimShown)))]
async fn claim_renew(
    State(door): State<Door>,
    Path(id): Path<String>,
    asked: Asked<ClaimRenew>,
) -> Result<Response, Problem> {
    let ClaimRenew { fence, lease_s } = asked.input;
    let renewed = door.service.claim_renew(&asked.ctx, path_id(&id, "claim")?, fence, lease_s).await?;
    Ok(answer::ok(&ClaimShown::from(renewed)))
}

/// Give a claim back with its coverage report: what was looked at, and how hard.
#[utoipa::path(post, path = "/v1/claims/{id}/release", tag = "claims", operation_id = "claim_release", security(("bearer" = [])),
    params(("id" = String, Path, description = "A claim's id.")), request_body = ClaimRelease,
    responses((status = 200, description = "Released.", body = ClaimShown)))]
async fn claim_release(
    State(door): State<Door>,
    Path(id): Path<String>,
    asked: Asked<ClaimRelease>,
) -> Result<Response, Problem> {
    let ClaimRelease { fence, coverage } = &asked.input;
    let released = door.service.claim_release(&asked.ctx, path_id(&id, "claim")?, *fence, coverage).await?;
    Ok(answer::ok(&ClaimShown::from(released)))
}
