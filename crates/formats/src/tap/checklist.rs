//! The six things that a report has which is ready to work on. Seen from the outside: must not open an archive, and must not judge
//! whether what is there is any good.

use domain::report::ChecklistItem;

use super::report::{Attachment, AttachmentType, ContentType, Report};

/// Shortest text that can say what a defect is, in bytes.
const DESCRIPTION_BYTES_MIN: usize = 20;
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

impl Report {
    /// The proof bundle among the attachments: the first archive that is said to show the defect.
    #[must_use]
    pub fn proof_bundle(&self) -> Option<&Attachment> {
        self.attachments.iter().find(|a| {
            matches!(a.kind, AttachmentType::ExploitProofOfConcept | AttachmentType::Reproducer)
                && (a.bytes.starts_with(&ZSTD_MAGIC) || a.bytes.starts_with(&GZIP_MAGIC))
        })
    }

    /// Each of the six, in order, and whether it is there.
    #[must_use]
    pub fn checklist(&self) -> Vec<(ChecklistItem, bool)> {
        let kind = |k: AttachmentType| self.attachments.iter().any(|a| a.kind == k);
        let shown = kind(AttachmentType::Reproducer) || kind(AttachmentType::ExploitProofOfConcept);
        // A document that came along as JSON says nothing to people by itself.
        let told = |a: &Attachment| {
            matches!(a.content_type, ContentType::Plain | ContentType::Markdown)
                && a.kind == AttachmentType::Other
                && a.bytes.trim_ascii().len() >= DESCRIPTION_BYTES_MIN
        };
        let described = self.attachments.iter().any(told) || kind(AttachmentType::ThreatModel);
        let rated = self.enrichment.as_ref().is_some_and(|e| e.severity.is_some() || e.cvss_vector.is_some());
        let there = |item: &ChecklistItem| match item {
            ChecklistItem::Description => described,
            ChecklistItem::Trigger | ChecklistItem::Proof => shown,
            ChecklistItem::Severity => rated,
            ChecklistItem::Patch => kind(AttachmentType::Patch),
            // A proof with a control that is silent at a fix is a test that fails before and passes after.
            ChecklistItem::Tests => self.proof_bundle().is_some(),
        };
        ChecklistItem::ALL.iter().map(|item| (*item, there(item))).collect()
    }
}
