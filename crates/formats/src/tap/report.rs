//! The values of a TAP report that was accepted. Plain data: no rules here.

use serde_json::{Map, Value};

/// A report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Canonical, without its version (that one is in `versions`); qualifiers and subpath stay.
    pub purl: Option<String>,
    /// The ecosystem as OSV spells it, with the `:release` that was sent.
    pub ecosystem: Option<String>,
    /// The package or product name.
    pub software: Option<String>,
    /// Versions in which it was seen.
    pub versions: Vec<String>,
    /// Where in the code, in free text.
    pub code_path: Option<String>,
    /// The affected function.
    pub affected_symbol: Option<Symbol>,
    /// In the order sent; `exploit` and `raw` after them.
    pub attachments: Vec<Attachment>,
    /// Absolute http(s) URLs.
    pub references: Vec<String>,
    /// Other people's ids of it: a hint, never a reason to skip one's own comparison.
    pub upstream_ids: Vec<String>,
    /// Lower-case hex.
    pub introduced_commit: Option<String>,
    /// Lower-case hex.
    pub fixed_commit: Option<String>,
    /// Where the source is.
    pub package_repo_url: Option<String>,
    /// Free text.
    pub discovery_method: Option<String>,
    /// Free text.
    pub discovery_tooling: Option<String>,
    /// Never to be echoed back.
    pub email: Option<String>,
    /// What to write to `email` about.
    pub notify: Notify,
    /// What the sender thinks of it.
    pub enrichment: Option<Enrichment>,
}

/// Where the defect is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Symbol {
    /// A path in the package.
    pub file: Option<String>,
    /// A function's name.
    pub function: Option<String>,
    /// Shown, never matched on.
    pub line: Option<u64>,
}

/// One attached file. Its bytes are the sensitive part of a report: encrypted at rest, never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// As sent; [`Attachment::download_name`] is the name to hand out.
    pub filename: String,
    /// What the bytes are said to be.
    pub content_type: ContentType,
    /// What it is for.
    pub kind: AttachmentType,
    /// One line.
    pub description: Option<String>,
    /// Decoded.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Attachment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attachment")
            .field("filename", &self.filename)
            .field("content_type", &self.content_type)
            .field("kind", &self.kind)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

impl Attachment {
    /// The name under which it is handed out: the filename, with the content type's extension put behind it where it
    /// does not end so.
    #[must_use]
    pub fn download_name(&self) -> String {
        download_name(&self.filename, self.content_type)
    }
}

pub(super) fn download_name(filename: &str, content_type: ContentType) -> String {
    let extension = content_type.extension();
    let ends_so = filename
        .len()
        .checked_sub(extension.len())
        .and_then(|at| filename.get(at..))
        .is_some_and(|tail| tail.eq_ignore_ascii_case(extension));
    if ends_so { filename.to_owned() } else { format!("{filename}{extension}") }
}

/// Makes an enum of words that go over the wire.
macro_rules! words {
    ($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$inner])* $variant,)+ }

        impl $name {
            /// Every one.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// The word on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }

            /// The one of that word, to the letter.
            #[must_use]
            pub fn of_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|w| w.as_str() == word)
            }
        }
    };
}

words! {
    /// What an attachment is for.
    AttachmentType {
        /// A proposed change.
        Patch = "patch",
        /// A program that fires the defect.
        ExploitProofOfConcept = "exploit-proof-of-concept",
        /// Steps or a program that show it.
        Reproducer = "reproducer",
        /// Who could do what.
        ThreatModel = "threat-model",
        /// Anything else; the default.
        #[default]
        Other = "other",
    }
}

words! {
    /// The content types an attachment may have.
    ContentType {
        /// Text.
        #[default]
        Plain = "text/plain",
        /// Text.
        Markdown = "text/markdown",
        /// Text.
        Json = "application/json",
        /// Binary.
        Pdf = "application/pdf",
        /// Binary.
        Zip = "application/zip",
        /// Binary.
        Gzip = "application/gzip",
        /// Binary.
        Bzip2 = "application/x-bzip2",
        /// Binary.
        OctetStream = "application/octet-stream",
    }
}

impl ContentType {
    /// The extension of a download name.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            ContentType::Plain => ".txt",
            ContentType::Markdown => ".md",
            ContentType::Json => ".json",
            ContentType::Pdf => ".pdf",
            ContentType::Zip => ".zip",
            ContentType::Gzip => ".tar.gz",
            ContentType::Bzip2 => ".tar.bz2",
            ContentType::OctetStream => ".bin",
        }
    }

    /// Whether `data` is base64 in a JSON report.
    #[must_use]
    pub fn is_binary(self) -> bool {
        !matches!(self, ContentType::Plain | ContentType::Markdown | ContentType::Json)
    }
}

words! {
    /// What the sender wants to be told by mail.
    Notify {
        /// Nothing; the default without an email.
        #[default]
        Off = "off",
        /// The end.
        Final = "final",
        /// The steps; the default with an email.
        Milestones = "milestones",
        /// Everything.
        All = "all",
    }
}

words! {
    /// How far the sender says it was verified: a claim, never a proof.
    Verified {
        /// Not.
        #[default]
        Unconfirmed = "unconfirmed",
        /// In a simulation.
        Simulated = "simulated",
        /// By running it.
        Confirmed = "confirmed",
    }
}

/// What the sender thinks of it. What is not understood stays in `sent` and is warned about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Enrichment {
    /// As sent.
    pub sent: Map<String, Value>,
    /// A CVSS 4.0 vector.
    pub cvss_vector: Option<String>,
    /// `CWE-79`.
    pub cwe: Vec<String>,
    /// In the sender's own word.
    pub severity: Option<String>,
    /// A VEX status word.
    pub vex_status: Option<String>,
    /// The sender's own word for how sure it is.
    pub verified: Option<Verified>,
    /// 0 to 1.
    pub epss: Option<f64>,
}
