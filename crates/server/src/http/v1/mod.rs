//! The API, version 1: one file per resource, each with its wire types and its handlers.
//!
//! Must not decide: a handler reads, calls one use case, and shows.

mod advisories;
mod case_view;
mod cases;
mod claims;
mod feeds;
mod fixes;
mod inventories;
mod jobs;
mod letters;
mod notices;
mod paces;
mod packages;
mod parties;
mod proofs;
mod registrations;
mod reports;
mod standings;
mod submissions;
mod tokens;
pub mod wire;
mod worker_keys;

use utoipa_axum::router::OpenApiRouter;

use super::door::Door;
use super::query::{FromQuery, Parameters};
use store::Page;

/// Every route under `/v1`.
pub fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .merge(claims::routes())
        .merge(reports::routes())
        .merge(submissions::routes())
        .merge(proofs::routes())
        .merge(cases::routes())
        .merge(fixes::routes())
        .merge(advisories::routes())
        .merge(inventories::routes())
        .merge(notices::routes())
        .merge(paces::routes())
        .merge(letters::routes())
        .merge(standings::routes())
        .merge(packages::routes())
        .merge(parties::routes())
        .merge(registrations::routes())
        .merge(tokens::routes())
        .merge(feeds::routes())
        .merge(jobs::routes())
        .merge(worker_keys::routes())
}

/// The parameters of a plain list.
#[derive(Debug)]
pub(crate) struct PageQuery(pub Page);

impl FromQuery for PageQuery {
    fn from_query(query: &mut Parameters) -> Option<Self> {
        query.page().map(Self)
    }
}

/// How the parameters of a page are described.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters; `Parameters::page` reads them")]
pub(crate) struct PageParameters {
    /// Where the list goes on: `next` of the page before.
    #[param(max_length = 128)]
    cursor: Option<String>,
    /// Rows wanted, 25 when left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

#[cfg(test)]
mod tests {
    use utoipa::ToSchema;
    use utoipa::openapi::RefOr;
    use utoipa::openapi::schema::Schema;

    use crate::http::fields::{FromFields, asked};

    fn check<T: FromFields + ToSchema>() {
        let RefOr::T(Schema::Object(object)) = T::schema() else { panic!("{} is not an object", T::name()) };
        let mut described: Vec<&str> = object.properties.keys().map(String::as_str).collect();
        described.sort_unstable();
        assert_eq!(described, asked::<T>(), "{}: the schema and the reader disagree", T::name());
    }

    #[test]
    fn every_body_is_read_as_it_is_described() {
        check::<super::claims::ClaimTake>();
        check::<super::claims::ClaimRenew>();
        check::<super::claims::ClaimRelease>();
        check::<super::cases::CaseMerge>();
        check::<super::cases::CaseSplit>();
        check::<super::cases::CaseJudge>();
        check::<super::cases::CaseClose>();
        check::<super::cases::EmbargoSet>();
        check::<super::cases::ReadInPlace>();
        check::<super::fixes::FixPropose>();
        check::<super::advisories::AdvisoryPublish>();
        check::<super::advisories::AdvisoryWithdraw>();
        check::<super::inventories::InventorySubmit>();
        check::<super::inventories::Tags>();
        check::<super::notices::NoticeAnswer>();
        check::<super::paces::PaceSet>();
        check::<super::paces::SeasonSet>();
        check::<super::paces::GuestSet>();
        check::<super::paces::CaseExcept>();
        check::<super::parties::PartyCreate>();
        check::<super::parties::MemberCreate>();
        check::<super::registrations::RegistrationCreate>();
        check::<super::registrations::RegistrationCheck>();
        check::<super::registrations::RegistrationAccept>();
        check::<super::registrations::RegistrationDecline>();
        check::<super::tokens::TokenIssue>();
        check::<super::jobs::JobLease>();
        check::<super::jobs::JobHeartbeat>();
        check::<super::jobs::JobFailure>();
        check::<super::worker_keys::WorkerKeyRegister>();
    }
}
