//! CSAF 2.0 security advisories, written, and others' read as OSV records (`advisory.rs`). The values below are checked against
//! each other before anything is written, so that what comes out passes the standard's mandatory tests. Must not decide what is
//! affected: that was measured.

mod advisory;
mod check;
mod cwe;
mod document;
mod filename;
mod tree;

pub use advisory::{Advisories, CSAF_BYTES_MAX, may_be_csaf, read};
pub use check::Unwritable;
pub use cwe::{CWES, cwe_name};
pub use document::write;
pub use filename::filename;

/// An advisory. Times are RFC 3339, as `2026-11-23T04:55:00Z`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advisory {
    /// One line.
    pub title: String,
    /// Who publishes it.
    pub publisher: Publisher,
    /// Id, state and history.
    pub tracking: Tracking,
    /// The Traffic Light Protocol label it is handed out under.
    pub tlp: Tlp,
    /// A word for the whole, as `important`.
    pub aggregate_severity: Option<String>,
    /// Notes on the whole.
    pub notes: Vec<Note>,
    /// Links on the whole.
    pub references: Vec<Reference>,
    /// People credited for the whole.
    pub acknowledgments: Vec<Acknowledgment>,
    /// The versions that are spoken of.
    pub products: Vec<Product>,
    /// At least one.
    pub vulnerabilities: Vec<Vulnerability>,
}

/// Who publishes an advisory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Publisher {
    /// The organisation.
    pub name: String,
    /// Its URL.
    pub namespace: String,
    /// Its part in it.
    pub category: PublisherCategory,
    /// How to reach it.
    pub contact: Option<String>,
}

/// Makes an enum of words that stand in the document.
macro_rules! words {
    ($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$inner])* $variant,)+ }

        impl $name {
            /// The word in the document.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// A publisher's part.
    PublisherCategory {
        /// Brings the parties together; the default here.
        #[default]
        Coordinator = "coordinator",
        /// Found it.
        Discoverer = "discoverer",
        /// Owns the code.
        Vendor = "vendor",
        /// Neither.
        Other = "other",
    }
}

words! {
    /// The state of a document.
    Status {
        /// Not published.
        Draft = "draft",
        /// Will change soon.
        Interim = "interim",
        /// Is not expected to change.
        #[default]
        Final = "final",
    }
}

words! {
    /// Traffic Light Protocol labels of CSAF 2.0 (which has TLP 1's `WHITE` for `CLEAR`).
    Tlp {
        /// Anybody.
        #[default]
        White = "WHITE",
        /// The community.
        Green = "GREEN",
        /// Recipients' organisations and clients.
        Amber = "AMBER",
        /// Named recipients.
        Red = "RED",
    }
}

/// A document's identity and history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracking {
    /// The publisher's id of it.
    pub id: String,
    /// Other ids of the document.
    pub aliases: Vec<String>,
    /// Its state.
    pub status: Status,
    /// Oldest first; at least one. The versions are 1, 2, 3 … in this order; dates may not fall.
    pub revisions: Vec<Revision>,
    /// The name and version of the program that made it.
    pub generator: Option<(String, String)>,
}

/// One revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revision {
    /// When.
    pub date: String,
    /// What changed.
    pub summary: String,
}

/// A note.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// What kind.
    pub category: NoteCategory,
    /// A heading.
    pub title: Option<String>,
    /// Plain text.
    pub text: String,
}

words! {
    /// Kinds of notes.
    NoteCategory {
        /// What it is, in full.
        #[default]
        Description = "description",
        /// In detail.
        Details = "details",
        /// In general.
        General = "general",
        /// In short.
        Summary = "summary",
        /// What the law says.
        LegalDisclaimer = "legal_disclaimer",
        /// Anything else.
        Other = "other",
    }
}

/// A link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    /// What is there.
    pub summary: String,
    /// The URL.
    pub url: String,
    /// Whether it is this very document; one such URL must end in the canonical file name.
    pub of_itself: bool,
}

/// A credit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acknowledgment {
    /// People.
    pub names: Vec<String>,
    /// Their organisation.
    pub organization: Option<String>,
    /// What for.
    pub summary: Option<String>,
    /// Links.
    pub urls: Vec<String>,
}

/// One version of a package. Its product id is `PURL@VERSION`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Product {
    /// Who makes it: the purl's namespace, or the name again.
    pub vendor: String,
    /// The package, as its ecosystem names it.
    pub name: String,
    /// The version.
    pub version: String,
    /// The purl with this version, canonical.
    pub purl: String,
}

/// What is said of one vulnerability.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vulnerability {
    /// `CVE-2020-8203`.
    pub cve: Option<String>,
    /// Other ids: (system, id).
    pub ids: Vec<(String, String)>,
    /// `CWE-1321`; it must be one of [`CWES`].
    pub cwe: Option<String>,
    /// One line.
    pub title: Option<String>,
    /// At least one.
    pub notes: Vec<Note>,
    /// When it was found.
    pub discovery_date: Option<String>,
    /// When it was first published.
    pub release_date: Option<String>,
    /// Indices into the advisory's products.
    pub status: ProductStatus,
    /// What to do.
    pub remediations: Vec<Remediation>,
    /// Why not affected: the same products as in `status.not_affected`, or fewer.
    pub flags: Vec<Flag>,
    /// What it can do to which products.
    pub impacts: Vec<Impact>,
    /// Links.
    pub references: Vec<Reference>,
    /// The finders, all of them.
    pub acknowledgments: Vec<Acknowledgment>,
}

/// Products by what is known of them, as indices into [`Advisory::products`]. A product may stand in one list only
/// (`first_fixed` besides `fixed` apart).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProductStatus {
    /// Fired.
    pub affected: Vec<usize>,
    /// Silent, at or after the fix.
    pub fixed: Vec<usize>,
    /// The first fixed of each line; also in `fixed`.
    pub first_fixed: Vec<usize>,
    /// Silent, before it came in.
    pub not_affected: Vec<usize>,
    /// Not known yet.
    pub under_investigation: Vec<usize>,
    /// The ones to go to.
    pub recommended: Vec<usize>,
}

/// What to do about affected products.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remediation {
    /// What kind.
    pub category: RemediationCategory,
    /// In words.
    pub details: String,
    /// For which products.
    pub products: Vec<usize>,
    /// Where.
    pub url: Option<String>,
    /// Since when.
    pub date: Option<String>,
}

words! {
    /// Kinds of remediation.
    RemediationCategory {
        /// A fixed version.
        #[default]
        VendorFix = "vendor_fix",
        /// A way around it.
        Workaround = "workaround",
        /// Lessens it.
        Mitigation = "mitigation",
        /// There will be none.
        NoFixPlanned = "no_fix_planned",
        /// There is none yet.
        NoneAvailable = "none_available",
    }
}

/// Why products are not affected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The reason.
    pub label: FlagLabel,
    /// Which.
    pub products: Vec<usize>,
}

words! {
    /// CSAF's reasons why a product is not affected, the same five as VEX's.
    FlagLabel {
        /// Not there.
        ComponentNotPresent = "component_not_present",
        /// There, without the code.
        #[default]
        VulnerableCodeNotPresent = "vulnerable_code_not_present",
        /// With the code, never run.
        VulnerableCodeNotInExecutePath = "vulnerable_code_not_in_execute_path",
        /// Run, out of an attacker's reach.
        VulnerableCodeCannotBeControlledByAdversary = "vulnerable_code_cannot_be_controlled_by_adversary",
        /// Held off by something in the product.
        InlineMitigationsAlreadyExist = "inline_mitigations_already_exist",
    }
}

/// What a vulnerability can do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impact {
    /// In words.
    pub details: String,
    /// To which products.
    pub products: Vec<usize>,
}
