//! Every limit of the TAP report, each with its unit. Nothing else.

/// The whole request body.
pub const REPORT_BODY_BYTES_MAX: usize = 3 * 1024 * 1024;
/// `purl`.
pub const PURL_BYTES_MAX: usize = 512;
/// `software`.
pub const SOFTWARE_BYTES_MAX: usize = 256;
/// `ecosystem`.
pub const ECOSYSTEM_BYTES_MAX: usize = 128;
/// Entries of `versions`, the one from the purl included.
pub const VERSIONS_COUNT_MAX: usize = 64;
/// One entry of `versions`.
pub const VERSION_BYTES_MAX: usize = 64;
/// `code_path`.
pub const CODE_PATH_BYTES_MAX: usize = 1024;
/// `affected_symbol.file`.
pub const SYMBOL_FILE_BYTES_MAX: usize = 512;
/// `affected_symbol.function`.
pub const SYMBOL_FUNCTION_BYTES_MAX: usize = 256;
/// Entries of `attachments`, those made of `exploit` and `raw` included.
pub const ATTACHMENTS_COUNT_MAX: usize = 16;
/// `filename` of an attachment.
pub const ATTACHMENT_FILENAME_BYTES_MAX: usize = 255;
/// `data` of an attachment, `exploit` and `raw`: the string as sent, base64 and its line breaks included.
pub const ATTACHMENT_DATA_BYTES_MAX: usize = 1024 * 1024;
/// `description` of an attachment.
pub const ATTACHMENT_DESCRIPTION_BYTES_MAX: usize = 1024;
/// Any `content_type`; the longest that is known has 24.
pub const CONTENT_TYPE_BYTES_MAX: usize = 128;
/// `type` of an attachment; the longest that is known has 24.
pub const ATTACHMENT_TYPE_BYTES_MAX: usize = 64;
/// Entries of `references`.
pub const REFERENCES_COUNT_MAX: usize = 16;
/// One entry of `references`.
pub const REFERENCE_BYTES_MAX: usize = 512;
/// Entries of `upstream_ids`.
pub const UPSTREAM_IDS_COUNT_MAX: usize = 16;
/// One entry of `upstream_ids`.
pub const UPSTREAM_ID_BYTES_MAX: usize = 128;
/// The shortest commit hash, in hex digits.
pub const COMMIT_DIGITS_MIN: usize = 7;
/// The longest commit hash, in hex digits.
pub const COMMIT_DIGITS_MAX: usize = 64;
/// `package_repo_url`.
pub const REPO_URL_BYTES_MAX: usize = 512;
/// `discovery_method`.
pub const DISCOVERY_METHOD_BYTES_MAX: usize = 32;
/// `discovery_tooling`.
pub const DISCOVERY_TOOLING_BYTES_MAX: usize = 128;
/// `email`.
pub const EMAIL_BYTES_MAX: usize = 256;
/// `notify`; the longest word has 10.
pub const NOTIFY_BYTES_MAX: usize = 32;
/// `enrichment`, written without spaces.
pub const ENRICHMENT_BYTES_MAX: usize = 64 * 1024;
/// Levels of `enrichment`, itself the first.
pub const ENRICHMENT_LEVELS_MAX: usize = 8;

/// Boundary of a multipart body (RFC 2046).
pub const BOUNDARY_BYTES_MAX: usize = 70;
/// Parts of a multipart body that are taken apart; more attachments than [`ATTACHMENTS_COUNT_MAX`] are told as such.
pub const PARTS_COUNT_MAX: usize = 64;
/// Header of a part.
pub const PART_HEADER_BYTES_MAX: usize = 8 * 1024;
/// Header fields of a part.
pub const PART_HEADERS_COUNT_MAX: usize = 16;
/// A report as it is kept: each byte of a part's text may take six in JSON.
pub const KEPT_BODY_BYTES_MAX: usize = 6 * REPORT_BODY_BYTES_MAX + 64 * 1024;
/// `data` of an attachment as it is kept: a part's bytes in base64.
pub(crate) const KEPT_DATA_BYTES_MAX: usize = ATTACHMENT_DATA_BYTES_MAX.div_ceil(3) * 4;

/// Levels of the document that are built in memory: the report, and the enrichment in it. Deeper ones are only checked
/// for syntax.
pub(crate) const DOCUMENT_LEVELS_READ: usize = 1 + ENRICHMENT_LEVELS_MAX;
/// Unknown fields that are listed one by one; the others are counted.
pub(crate) const UNKNOWN_FIELDS_LISTED_MAX: usize = 32;
/// Bytes of an unknown field's name that are repeated in the answer.
pub(crate) const FIELD_NAME_BYTES_SHOWN_MAX: usize = 64;
