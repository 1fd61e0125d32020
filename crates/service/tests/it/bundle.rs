//! Proof bundles and reports of the tests: the examples of this repository, changed where a test wants
//! another digest, and small ones of a package with six versions.

use std::path::{Path, PathBuf};

use formats::tap::{Attachment, AttachmentType, ContentType, Report, Symbol};

/// The files of a bundle, by name.
#[derive(Debug, Clone)]
pub struct Bundle {
    pub purl: String,
    pub files: Vec<(String, String)>,
}

pub fn example(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(path)
}

impl Bundle {
    /// One of `examples/`.
    pub fn example(name: &str) -> Self {
        let folder = example(name);
        let mut files: Vec<(String, String)> = std::fs::read_dir(&folder)
            .unwrap_or_else(|e| panic!("read {}: {e}", folder.display()))
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap()))
            .collect();
        files.sort();
        let manifest = &files.iter().find(|(name, _)| name == "proof.toml").unwrap().1;
        let purl = manifest.lines().find_map(|l| l.strip_prefix("purl = ")).unwrap().trim_matches('"').to_owned();
        Self { purl, files }
    }

    /// Prototype pollution in fast-loops: fires up to 1.1.3.
    pub fn quick() -> Self {
        Self::example("fast-loops-merge")
    }

    /// Another property of fast-loops: `objectMergeDeep` writes into its first argument. Fires
    /// everywhere, with no fix, and is no defect the first one is.
    pub fn quick_other() -> Self {
        let poc = "'use strict';\n// It changes what it is given.\nconst { objectMergeDeep } = require('fast-loops');\n\
                   const own = {};\nobjectMergeDeep(own, { page: 1 });\nprocess.exitCode = own.page === 1 ? 10 : 0;\n";
        Self::quick()
            .with("poc.js", poc)
            .toml("kind = \"prototype-pollution\"", "kind = \"assertion\"")
            .toml(
                "Prototype pollution in fast-loops objectMergeDeep",
                "fast-loops objectMergeDeep writes into its argument",
            )
            .toml("fixed = \"1.1.4\"\n", "")
    }

    /// Replaces a file.
    pub fn with(mut self, name: &str, text: &str) -> Self {
        self.files.retain(|(n, _)| n != name);
        self.files.push((name.to_owned(), text.to_owned()));
        self
    }

    /// Leaves a file out.
    pub fn without(mut self, name: &str) -> Self {
        self.files.retain(|(n, _)| n != name);
        self
    }

    /// Changes proof.toml.
    pub fn toml(self, from: &str, to: &str) -> Self {
        let manifest = self.files.iter().find(|(n, _)| n == "proof.toml").unwrap().1.clone();
        assert!(manifest.contains(from), "{manifest}");
        let changed = manifest.replace(from, to);
        self.with("proof.toml", &changed)
    }

    /// The same proof in other words: another digest, the same defect.
    pub fn retold(self, words: &str) -> Self {
        let poc = self.files.iter().find(|(n, _)| n == "poc.js").unwrap().1.clone();
        self.with("poc.js", &format!("{poc}// {words}\n"))
    }

    /// As `.tar.gz`, with entries in one order and without times.
    pub fn packed(&self) -> Vec<u8> {
        let gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut archive = tar::Builder::new(gz);
        for (name, text) in &self.files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            archive.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    }

    /// A report of it.
    pub fn report(&self) -> Vec<u8> {
        report_of(&self.purl, &self.packed(), |_| {})
    }

    /// A report of it that says more.
    pub fn report_with(&self, more: impl FnOnce(&mut Report)) -> Vec<u8> {
        report_of(&self.purl, &self.packed(), more)
    }
}

/// A TAP report with these bytes as its proof.
pub fn report_of(purl: &str, proof: &[u8], more: impl FnOnce(&mut Report)) -> Vec<u8> {
    let attachment = Attachment {
        filename: "proof.tar.gz".to_owned(),
        content_type: ContentType::Gzip,
        kind: AttachmentType::ExploitProofOfConcept,
        description: None,
        bytes: proof.to_vec(),
    };
    let mut report = Report { purl: Some(purl.to_owned()), attachments: vec![attachment], ..Report::default() };
    more(&mut report);
    formats::tap::write_report(&report)
}

/// Names a function.
pub fn symbol(function: &str) -> impl FnOnce(&mut Report) {
    move |report| report.affected_symbol = Some(Symbol { function: Some(function.to_owned()), ..Symbol::default() })
}

/// Names ids elsewhere.
pub fn ids(ids: &[&str]) -> impl FnOnce(&mut Report) {
    let ids = ids.iter().map(|id| (*id).to_owned()).collect();
    move |report| report.upstream_ids = ids
}
