//! The codes of the TAP intake's `validation` problem, never renamed, and one violation. Words only.

use std::fmt;

/// What was wrong, as clients know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// A field that must be there is not.
    MissingField,
    /// A value longer than its limit.
    FieldTooLarge,
    /// A list longer than its limit.
    TooManyItems,
    /// Bytes that are not UTF-8 (multipart parts; a JSON body is `malformed-json` as a whole).
    InvalidUtf8,
    /// Control characters in metadata.
    ControlCharacters,
    /// A value that says nothing.
    DegenerateValue,
    /// An ecosystem that is not known.
    UnknownEcosystem,
    /// Not a package URL.
    InvalidPurl,
    /// `purl` against `ecosystem` or `software`.
    PurlEcosystemMismatch,
    /// Not an absolute http(s) URL.
    InvalidReference,
    /// Not 7 to 64 hex digits.
    InvalidCommit,
    /// Not CVE, GHSA or PREFIX-token.
    InvalidUpstreamId,
    /// Not an integer from 0 on.
    InvalidSymbolLine,
    /// Not off, final, milestones or all.
    InvalidNotify,
    /// Not an address.
    InvalidEmail,
    /// Not an http(s) URL.
    InvalidRepoUrl,
    /// Not one of the content types, or with parameters.
    InvalidContentType,
    /// A field that has no place here.
    FieldNotAllowed,
    /// More levels than allowed.
    StructureTooDeep,
    /// Not a plain, visible, unique name.
    InvalidFilename,
    /// Not one of the attachment types.
    InvalidAttachmentType,
    /// Not padded standard base64.
    InvalidBase64,
}

impl Code {
    /// Every code, in the order of the published list.
    pub const ALL: [Code; 22] = [
        Code::MissingField,
        Code::FieldTooLarge,
        Code::TooManyItems,
        Code::InvalidUtf8,
        Code::ControlCharacters,
        Code::DegenerateValue,
        Code::UnknownEcosystem,
        Code::InvalidPurl,
        Code::PurlEcosystemMismatch,
        Code::InvalidReference,
        Code::InvalidCommit,
        Code::InvalidUpstreamId,
        Code::InvalidSymbolLine,
        Code::InvalidNotify,
        Code::InvalidEmail,
        Code::InvalidRepoUrl,
        Code::InvalidContentType,
        Code::FieldNotAllowed,
        Code::StructureTooDeep,
        Code::InvalidFilename,
        Code::InvalidAttachmentType,
        Code::InvalidBase64,
    ];

    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Code::MissingField => "missing_field",
            Code::FieldTooLarge => "field_too_large",
            Code::TooManyItems => "too_many_items",
            Code::InvalidUtf8 => "invalid_utf8",
            Code::ControlCharacters => "control_characters",
            Code::DegenerateValue => "degenerate_value",
            Code::UnknownEcosystem => "unknown_ecosystem",
            Code::InvalidPurl => "invalid_purl",
            Code::PurlEcosystemMismatch => "purl_ecosystem_mismatch",
            Code::InvalidReference => "invalid_reference",
            Code::InvalidCommit => "invalid_commit",
            Code::InvalidUpstreamId => "invalid_upstream_id",
            Code::InvalidSymbolLine => "invalid_symbol_line",
            Code::InvalidNotify => "invalid_notify",
            Code::InvalidEmail => "invalid_email",
            Code::InvalidRepoUrl => "invalid_repo_url",
            Code::InvalidContentType => "invalid_content_type",
            Code::FieldNotAllowed => "field_not_allowed",
            Code::StructureTooDeep => "structure_too_deep",
            Code::InvalidFilename => "invalid_filename",
            Code::InvalidAttachmentType => "invalid_attachment_type",
            Code::InvalidBase64 => "invalid_base64",
        }
    }

    /// Whether it makes the answer 413.
    #[must_use]
    pub fn is_size(self) -> bool {
        matches!(self, Code::FieldTooLarge | Code::TooManyItems | Code::StructureTooDeep)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One rule broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which rule.
    pub code: Code,
    /// Where: `attachments[2].filename`.
    pub field: String,
    /// The other field, where two do not go together.
    pub also_field: Option<String>,
    /// In words; quotes limits, never the value.
    pub reason: String,
}
