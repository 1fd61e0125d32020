//! The API's description: OpenAPI 3.1, made from the handlers, with every refusal and every limit.
//!
//! What a handler says of itself is its input and its success. What every request can be refused
//! for follows from what it is (has it a body, a token, an id in its path?), so it is added here, once.

use std::collections::BTreeSet;

use axum::Router;
use domain::standing::STANDING_WAITING_COUNT;
use serde_json::Value;
use service::ctx::IDEMPOTENCY_KEY_BYTES_MAX;
use utoipa::ToSchema;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required,
};
use utoipa_axum::router::OpenApiRouter;

use super::door::Door;
use super::problem::{PROBLEM_MEDIA_TYPE, Problem, ProblemError};
use crate::limits;

/// Splits the routes into a router and their description, as JSON text.
///
/// # Errors
/// In words, when the description cannot be written.
pub fn describe(routes: OpenApiRouter<Door>) -> Result<(Router<Door>, String), String> {
    let (router, openapi) = OpenApiRouter::with_openapi(frame()).merge(routes).split_for_parts();
    let mut openapi = openapi;
    for (path, item) in &mut openapi.paths.paths {
        let has_id = path.contains('{');
        for (operation, kind) in operations(item) {
            refusals_add(operation, kind, has_id, path.as_str());
        }
    }
    let mut document = serde_json::to_value(&openapi).map_err(|e| e.to_string())?;
    inputs_close(&mut document);
    let text = serde_json::to_string_pretty(&document).map_err(|e| e.to_string())?;
    Ok((router, text))
}

/// Says of everything that is sent what the readers hold it to: no unknown field.
fn inputs_close(document: &mut Value) {
    let mut waiting: Vec<String> = Vec::new();
    for item in document["paths"].as_object().into_iter().flat_map(|paths| paths.values()) {
        for operation in item.as_object().into_iter().flat_map(|o| o.values()) {
            refs_collect(&operation["requestBody"], &mut waiting);
        }
    }
    let mut seen = BTreeSet::new();
    while let Some(name) = waiting.pop() {
        let Some(schema) = document.pointer_mut(&format!("/components/schemas/{name}")) else { continue };
        if seen.insert(name) {
            schema_close(schema);
            refs_collect(schema, &mut waiting);
        }
    }
}

fn refs_collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            let name =
                members.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/components/schemas/"));
            found.extend(name.map(ToOwned::to_owned));
            members.values().for_each(|v| refs_collect(v, found));
        }
        Value::Array(items) => items.iter().for_each(|v| refs_collect(v, found)),
        _ => {}
    }
}

fn schema_close(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else { return };
    if members.contains_key("properties") {
        members.entry("additionalProperties").or_insert(Value::Bool(false));
    }
    for alternative in members.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten() {
        schema_close(alternative);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    Post,
    Put,
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&mut Operation, Kind)> {
    let read = item.get.as_mut().map(|o| (o, Kind::Read));
    let post = item.post.as_mut().map(|o| (o, Kind::Post));
    let put = item.put.as_mut().map(|o| (o, Kind::Put));
    read.into_iter().chain(post).chain(put)
}

fn frame() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Proofhouse")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(about()))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("pht_…").build();
    let secret = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("phr_…").build();
    let older = ApiKey::Header(ApiKeyValue::new("TAP-SUBMISSION-TOKEN"));
    let components = ComponentsBuilder::new()
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .security_scheme("registration", SecurityScheme::Http(secret))
        .security_scheme("tap_submission_token", SecurityScheme::ApiKey(older))
        .schema_from::<Problem>()
        .schema_from::<ProblemError>()
        .build();
    OpenApiBuilder::new().info(info).components(Some(components)).build()
}

fn about() -> String {
    format!(
        "An open clearinghouse for software vulnerabilities: claim, report, proof, case, fix, advisory, notice.\n\n\
        **Refusals** are RFC 9457 `application/problem+json` with a stable `code`, and list every violation in `errors`. \
        What you must not know of answers exactly as what does not exist.\n\n\
        **Sending again.** Every POST with a token takes an `Idempotency-Key` of 1 to {key} visible ASCII characters, unique within \
        your party: the same request gives the same resource, another request under the same key is 409 \
        `idempotency_key_reused`. A secret is shown once only.\n\n\
        **Lists** are newest first and go on at `next` (also in `Link`, rel=\"next\"). **Reads** carry an `ETag`; send it \
        as `If-None-Match` to get 304. What is done to a case honours `If-Match`. **Every answer** carries \
        `x-request-id`; send your own of at most {request_id} plain characters to have it taken over.\n\n\
        **Limits.** Bodies: {json} bytes of JSON, {report} for a report, {bundle} for a proof bundle, {inventory} for an \
        inventory, {feed} for a feed; {levels} levels of nesting; {arrival} ms to arrive. Query: {query} bytes. \
        Unless the operator of this server set others: {token} requests a minute and {reports} reports an hour for each token; \
        {address} requests a minute and {registrations} registrations an hour without a token for each address; {refusals} refused tokens a minute for each \
        address; {at_once} requests at once; {waiting} reports that wait unvalidated of a party without a record, more or fewer \
        of one that has one. Beyond them: 413, 408, 429 or 503, the last two with `Retry-After`.",
        key = IDEMPOTENCY_KEY_BYTES_MAX,
        request_id = limits::REQUEST_ID_BYTES_MAX,
        json = limits::JSON_BODY_BYTES_MAX,
        report = limits::REPORT_BODY_BYTES_MAX,
        bundle = limits::BUNDLE_BODY_BYTES_MAX,
        inventory = limits::INVENTORY_BODY_BYTES_MAX,
        feed = limits::FEED_BODY_BYTES_MAX,
        levels = limits::JSON_LEVELS_MAX,
        arrival = limits::BODY_ARRIVAL_MS_MAX,
        query = limits::QUERY_BYTES_MAX,
        token = limits::TOKEN_REQUESTS_PER_MINUTE_MAX,
        reports = limits::TOKEN_REPORTS_PER_HOUR_MAX,
        address = limits::ADDRESS_REQUESTS_PER_MINUTE_MAX,
        registrations = limits::ADDRESS_REGISTRATIONS_PER_HOUR_MAX,
        refusals = limits::ADDRESS_REFUSALS_PER_MINUTE_MAX,
        at_once = limits::REQUESTS_AT_ONCE_MAX,
        waiting = STANDING_WAITING_COUNT,
    )
}

/// What a request of this kind can be refused for, beside what its handler says.
fn refusals_add(operation: &mut Operation, kind: Kind, has_id: bool, path: &str) {
    let has_token = operation.security.is_some();
    let has_body = operation.request_body.is_some();
    let changes = kind != Kind::Read;
    let has_query =
        operation.parameters.iter().flatten().any(|p| matches!(p, RefOr::T(p) if p.parameter_in == ParameterIn::Query));
    let mut add = |applies: bool, status: &str, about: &str| {
        if applies && !operation.responses.responses.contains_key(status) {
            operation.responses.responses.insert(status.to_owned(), RefOr::T(refusal(about)));
        }
    };
    add(has_query || changes, "400", "The input breaks rules; every violation is listed.");
    add(has_token, "401", "No token, or one that is unknown, expired or revoked: always the same.");
    add(has_token, "403", "Role, tier or scope do not allow it, or a page of another site sent it.");
    // An id of something else stands in the body or the query.
    let names_another = matches!(path, "/v1/proofs" | "/v1/fixes") || (path == "/v1/advisories" && changes);
    add(has_id || names_another, "404", "There is no such thing, or you must not know of it.");
    add(changes, "408", "The body did not arrive in time; nothing was stored.");
    add(
        changes || path.ends_with("/bundles/{digest}"),
        "409",
        "The state of things forbids it, or the idempotency key was used for another request.",
    );
    add(changes && path.contains("/cases/"), "412", "The case is not in the state that If-Match names.");
    add(changes, "413", "The body, a field or its nesting is too large.");
    add(has_body, "415", "Not the media type that is taken.");
    let is_alive = path == "/healthz";
    add(!is_alive && path != "/readyz", "429", "A rate limit is used up; Retry-After says when to come again.");
    add(true, "500", "Something broke here.");
    add(!is_alive, "503", "Not available now; nothing was stored, come again after Retry-After.");
    if kind == Kind::Read && !matches!(path, "/healthz" | "/readyz" | "/metrics") {
        let known = ResponseBuilder::new().description("You have it already (If-None-Match).").build();
        operation.responses.responses.insert("304".to_owned(), RefOr::T(known));
        parameter_add(operation, "If-None-Match", "The ETag you have.", text());
    }
    // Without a party there is nobody to whom a key would belong.
    let is_unknown = path.starts_with("/v1/registrations") && !path.ends_with("/accept") && !path.ends_with("/decline");
    if kind == Kind::Post && !is_unknown {
        let key = text().min_length(Some(1)).max_length(Some(IDEMPOTENCY_KEY_BYTES_MAX)).pattern(Some("^[!-~]+$"));
        parameter_add(operation, "Idempotency-Key", "Makes it safe to send the same request again.", key);
    }
    if changes && path.contains("/cases/") {
        parameter_add(operation, "If-Match", "The ETag of the case as you saw it.", text());
    }
}

fn refusal(about: &str) -> utoipa::openapi::Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    let retry = HeaderBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::Integer).build()));
    let response = ResponseBuilder::new().description(about).content(PROBLEM_MEDIA_TYPE, content);
    if about.contains("Retry-After") { response.header("Retry-After", retry.build()).build() } else { response.build() }
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn parameter_add(operation: &mut Operation, name: &str, about: &str, schema: ObjectBuilder) {
    let parameter: Parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(schema.build()))
        .build();
    operation.parameters.get_or_insert_default().push(RefOr::T(parameter));
}
