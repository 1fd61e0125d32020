//! What the wire types of all nouns share: words, times, ids in paths, and pages of lists.
//!
//! Must not know a noun. A word's spelling is the domain's; nothing is renamed here.

use axum::http::{HeaderValue, Uri, header};
use axum::response::Response;
use domain::id::{Id, Kind};
use domain::time::Timestamp;
use serde::{Serialize, Serializer};
use store::Listed;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::http::caller::Shows;
use crate::http::problem::Problem;

/// The id in a path. A text that is no id names nothing, so the answer is the one for what does not
/// exist.
///
/// # Errors
/// 404.
pub fn path_id<K: Kind>(text: &str, what: &'static str) -> Result<Id<K>, Problem> {
    text.parse().map_err(|_| Problem::not_found(what))
}

/// A point in time, RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time(pub Timestamp);

impl From<Timestamp> for Time {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("A point in time, RFC 3339 in UTC."))
            .into()
    }
}

impl ToSchema for Time {
    fn name() -> std::borrow::Cow<'static, str> {
        "Time".into()
    }
}

/// Gives a domain's list of words a wire type whose schema lists them.
macro_rules! wire_words {
    ($($(#[$meta:meta])* $name:ident = $inner:path, $about:literal;)+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name(pub $inner);

        impl From<$inner> for $name {
            fn from(word: $inner) -> Self {
                Self(word)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.0.as_str())
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .enum_values(Some(<$inner>::ALL.iter().map(|w| w.as_str())))
                    .description(Some($about))
                    .into()
            }
        }

        impl ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )+};
}

wire_words! {
    /// How a claim's holder looks.
    Method = domain::claim::Method, "How the holder of a claim looks.";
    /// What a holder shows.
    Shown = domain::claim::Shown, "What a holder lets an overlapping party see of its claim.";
    /// The life of a claim.
    ClaimState = domain::claim::ClaimState, "The life of a claim.";
    /// What a party does.
    Role = domain::party::Role, "What a party does here (CVD vocabulary).";
    /// What a token may do.
    TokenScope = domain::party::TokenScope, "What a token may be used for.";
    /// Where a report is.
    ReportState = domain::report::ReportState, "Where a report is in the intake.";
    /// Where a finding is.
    FindingState = domain::report::FindingState, "Where a finding is on its way to a case.";
    /// Where a proof is.
    ProofState = store::proof::ProofState, "Where a proof is in the engine.";
    /// How much a proof has shown.
    Grade = domain::proof::Grade, "How much a proof has shown.";
    /// What a run showed.
    Verdict = domain::proof::Verdict, "What one run on one exact version showed.";
    /// What a worker is about.
    WorkKind = service::work::WorkKind, "What a worker is to do with a job's bundles.";
    /// Which step of a job is going on.
    JobStage = service::work::Stage, "Which step of a proof job is going on.";
    /// Where a job stands.
    JobState = store::job::JobState, "Where a job stands.";
    /// Why a run was inconclusive.
    InconclusiveReason = domain::proof::Reason, "Why a run was inconclusive.";
    /// What the harness measures.
    Oracle = domain::proof::OracleKind, "What the harness measures.";
    /// The life of a case.
    CaseState = domain::case::CaseState, "The life of a case.";
    /// The maintainer's verdict.
    MaintainerVerdict = domain::case::MaintainerVerdict, "The maintainer's verdict. It is final.";
    /// What happened in a case.
    EventKind = domain::case::EventKind, "What happened in a case.";
    /// Where an embargo's rule comes from.
    EmbargoSource = domain::embargo::EmbargoSource, "Where the rule that ends an embargo comes from.";
    /// How much of a case somebody sees.
    Tier = domain::read_in::Tier, "How much of an embargoed case somebody sees; 0 is the most.";
    /// How a maintainer is told.
    Told = domain::pace::Told, "How a maintainer wants to be told.";
    /// Why a case was handed over when it was.
    Cause = domain::pace::Cause, "Why a case was handed over when it was.";
    /// What holds a case back.
    Hold = domain::pace::Hold, "What holds a case back from its maintainer.";
    /// What a letter is about.
    LetterKind = store::letter::LetterKind, "What a letter is about.";
    /// What became of a letter.
    LetterState = store::letter::LetterState, "What became of a letter.";
    /// Where a registration stands.
    RegistrationState = store::registration::RegistrationState, "Where a registration stands.";
    /// How something of a registration is verified.
    Way = store::registration::Way, "How something of a registration is verified.";
    /// What kind of fix.
    FixKind = domain::fix::FixKind, "What kind of fix.";
    /// What is known of a fix.
    FixState = domain::fix::FixState, "What is known of a fix.";
    /// The life of an advisory.
    AdvisoryState = domain::advisory::AdvisoryState, "The life of an advisory.";
    /// The documents of an advisory.
    AdvisoryFormat = domain::advisory::AdvisoryFormat, "The documents an advisory is published as.";
    /// Whether an asset can be reached.
    Exposure = domain::inventory::Exposure, "Whether untrusted parties reach an asset over public networks.";
    /// Where a notice stands.
    NoticeState = domain::notice::NoticeState, "Where a notice stands.";
    /// Why something is not affected.
    VexJustification = domain::notice::VexJustification, "Why something is not affected (OpenVEX 0.2.0).";
    /// What the decision table says.
    Outcome = domain::deadline::Outcome, "What the decision table says (SSVC outcome keys of CISA BOD 26-04).";
}

/// One page of a list, newest first. There is no total: it would tell of what is not shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageOf<T> {
    /// The rows of this page.
    #[schema(max_items = 100)]
    items: Vec<T>,
    /// The cursor of the next page; `null` at the end. The `Link` header carries its address.
    #[schema(required)]
    next: Option<String>,
}

/// Shows one page, with a `Link` to the next.
pub fn page_shown<R, T>(caller: &impl Shows, uri: &Uri, listed: Listed<R>) -> Response
where
    T: Serialize + From<R>,
{
    let next = listed.next.map(|cursor| cursor.to_string());
    let link = next.as_deref().map(|cursor| next_link(uri, cursor));
    let page = PageOf { items: listed.items.into_iter().map(T::from).collect::<Vec<T>>(), next };
    let mut response = caller.shown(&page);
    if let Some(Ok(link)) = link.map(|l| HeaderValue::from_str(&l)) {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

/// The address of the next page: this one's, with another cursor.
pub fn next_link(uri: &Uri, cursor: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        if name != "cursor" {
            query.append_pair(&name, &value);
        }
    }
    query.append_pair("cursor", cursor);
    format!("<{}?{}>; rel=\"next\"", uri.path(), query.finish())
}

/// A JSON list of texts as it stands in a column; anything else in it is left out.
#[must_use]
pub fn texts(json: &str) -> Vec<String> {
    match serde_json::from_str::<Vec<serde_json::Value>>(json) {
        Ok(items) => items.into_iter().filter_map(|v| v.as_str().map(ToOwned::to_owned)).collect(),
        Err(_) => Vec::new(),
    }
}

/// A JSON column as a value; `null` when there is none.
#[must_use]
pub fn value(json: Option<&str>) -> Option<serde_json::Value> {
    json.and_then(|text| serde_json::from_str(text).ok())
}

/// Something odd about a document that was taken all the same.
#[derive(Debug, Serialize, ToSchema)]
pub struct Warning {
    /// A stable word.
    code: &'static str,
    /// Where in the document.
    field: String,
    /// What was done about it.
    reason: String,
}

impl From<formats::Warning> for Warning {
    fn from(warning: formats::Warning) -> Self {
        Self { code: warning.code, field: warning.at, reason: warning.text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_keeps_the_filter() {
        let uri: Uri = "/v1/cases?limit=2&purl=pkg%3Anpm%2Fx&cursor=61".parse().unwrap();
        assert_eq!(next_link(&uri, "62"), "</v1/cases?limit=2&purl=pkg%3Anpm%2Fx&cursor=62>; rel=\"next\"");
        assert_eq!(texts(r#"["a",1,"b"]"#), ["a", "b"]);
    }
}
