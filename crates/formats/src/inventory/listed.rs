//! A component as a bill of materials lists it: a name, a version and a purl. Knows no format.

use super::{Component, Unmatchable, is_plain, matchable_of_purl};
use crate::Warning;
use crate::purl::Purl;

/// What a bill of materials says of one component.
#[derive(Clone, Copy, Default)]
pub(super) struct Listed<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) version: Option<&'a str>,
    pub(super) purl: Option<&'a str>,
    /// By which the document itself refers to it.
    pub(super) reference: Option<&'a str>,
    /// Where it was fetched, as SPDX writes it.
    pub(super) fetched_from: Option<&'a str>,
    /// A field has another type than text.
    pub(super) malformed: bool,
    /// It is what the document is an inventory of, not a part of it.
    pub(super) is_subject: bool,
}

impl Listed<'_> {
    /// The component, and a warning where the purl contradicts what stands beside it.
    pub(super) fn component(&self, path: &str) -> (Component, Option<Warning>) {
        let plain = |text: Option<&str>| text.filter(|t| is_plain(t)).map(str::to_owned);
        let odd = |text: Option<&str>| text.is_some_and(|t| !t.is_empty() && !is_plain(t));
        let purl = self.purl.map(str::parse::<Purl>);
        let version = plain(self.version);
        let repository = self.fetched_from.is_some_and(is_repository);
        let matchable = match &purl {
            _ if self.malformed || odd(self.name) || odd(self.version) => Err(Unmatchable::MalformedText),
            _ if self.is_subject => Err(Unmatchable::OwnCode),
            _ if repository => Err(Unmatchable::FromRepository),
            None => Err(Unmatchable::NoPurl),
            Some(Err(_)) => Err(Unmatchable::MalformedPurl),
            Some(Ok(purl)) => matchable_of_purl(purl, version.as_deref()),
        };
        let purl = purl.and_then(Result::ok);
        let own = purl.as_ref().and_then(|p| p.version.clone()).filter(|v| is_plain(v));
        let differ = own.as_ref().zip(version.as_ref()).is_some_and(|(own, beside)| own != beside);
        let warning = differ.then(|| {
            let text = "the purl has another version than the component; the purl's is used";
            Warning::new("versions_differ", format!("{path}.version"), text)
        });
        let component = Component {
            name: plain(self.name).or_else(|| purl.as_ref().map(|p| p.name.clone())).unwrap_or_default(),
            version: own.or(version),
            purl: purl.map(|p| p.canonical),
            bom_ref: plain(self.reference),
            path: path.to_owned(),
            matchable,
        };
        (component, warning)
    }
}

/// SPDX writes a place in a version control system with the system before a plus.
fn is_repository(place: &str) -> bool {
    ["git+", "hg+", "svn+", "bzr+", "git://", "git@"].iter().any(|begins| place.starts_with(begins))
}
