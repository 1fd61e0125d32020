//! `/v1/members/{id}/tokens` and `/v1/tokens`: make and end bearer tokens.
//!
//! Must not show a secret twice: it stands in the answer that made it, once.

use axum::extract::{Path, State};
use axum::response::Response;
use domain::party::{NAME_BYTES_MAX, TOKEN_LIFE_DAYS_DEFAULT, TOKEN_LIFE_DAYS_MAX};
use serde::Serialize;
use service::party::{TokenInput, TokenIssued};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{Time, TokenScope, path_id};
use crate::http::answer;
use crate::http::asked::Asked;
use crate::http::door::Door;
use crate::http::fields::{Fields, FromFields, Nothing, Text};
use crate::http::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new().routes(routes!(token_issue)).routes(routes!(token_revoke))
}

/// A token to be made.
#[derive(Debug, ToSchema)]
pub(crate) struct TokenIssue {
    /// What it is for, in the owner's words.
    #[schema(min_length = 1, max_length = 200)]
    label: String,
    /// What it may do.
    #[schema(value_type = Vec<TokenScope>, min_items = 1, max_items = 4)]
    scopes: Vec<domain::party::TokenScope>,
    /// How long it lives, in days; 90 when left out.
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 366)]
    life_days: i64,
}

impl FromFields for TokenIssue {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let (label, scopes) = (f.text("label", Text::Line(NAME_BYTES_MAX)), f.words("scopes", 4));
        let life_days = f.integer_optional("life_days", 1, TOKEN_LIFE_DAYS_MAX);
        Some(Self { label: label?, scopes: scopes?, life_days: life_days?.unwrap_or(TOKEN_LIFE_DAYS_DEFAULT) })
    }
}

/// A token. Its secret stands in the answer that made it and nowhere else.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenShown {
    /// Its id.
    id: String,
    /// Whose it is.
    member: String,
    /// What it is for.
    label: String,
    /// What it may do.
    scopes: Vec<TokenScope>,
    /// When it ends.
    expires_at: Time,
    /// When it was ended before that.
    #[schema(required)]
    revoked_at: Option<Time>,
    /// When it was made.
    created_at: Time,
    /// The secret, once; `null` afterwards, also when the request is sent again.
    #[schema(required)]
    secret: Option<String>,
}

impl From<TokenIssued> for TokenShown {
    fn from(issued: TokenIssued) -> Self {
        let row = issued.token;
        Self {
            id: row.id.to_string(),
            member: row.member_id.to_string(),
            label: row.label,
            scopes: row.scopes.into_iter().map(TokenScope).collect(),
            expires_at: row.expires_at.into(),
            revoked_at: row.revoked_at.map(Time),
            created_at: row.created_at.into(),
            secret: issued.secret,
        }
    }
}

/// Make a token for a member. For coordinators with scope `admin`.
#[utoipa::path(post, path = "/v1/members/{id}/tokens", tag = "parties", operation_id = "token_issue", security(("bearer" = [])),
    params(("id" = String, Path, description = "A member's id.")), request_body = TokenIssue,
    responses((status = 201, description = "Made.", body = TokenShown)))]
async fn token_issue(
    State(door): State<Door>,
    Path(id): Path<String>,
    asked: Asked<TokenIssue>,
) -> Result<Response, Problem> {
    let TokenIssue { label, scopes, life_days } = asked.input;
    let member = path_id(&id, "member")?;
    let issued = door.service.token_issue(&asked.ctx, member, TokenInput { label, scopes, life_days }).await?;
    Ok(answer::secret(axum::http::StatusCode::CREATED, &TokenShown::from(issued)))
}

/// End a token now. For coordinators with scope `admin`.
#[utoipa::path(post, path = "/v1/tokens/{id}/revoke", tag = "parties", operation_id = "token_revoke", security(("bearer" = [])),
    params(("id" = String, Path, description = "A token's id.")),
    responses((status = 200, description = "Ended.", body = TokenShown)))]
async fn token_revoke(
    State(door): State<Door>,
    Path(id): Path<String>,
    asked: Asked<Nothing>,
) -> Result<Response, Problem> {
    let revoked = door.service.token_revoke(&asked.ctx, path_id(&id, "token")?).await?;
    Ok(answer::secret(axum::http::StatusCode::OK, &TokenShown::from(revoked)))
}
