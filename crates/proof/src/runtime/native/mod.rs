//! Native C and C++: source packages built in a box under sanitizers, by a recipe of the bundle; the program is an input
//! file, or a small driver linked with the target's library.
//!
//! Between two published versions stand the trees with only the first patches of the series, so that a border is a patch.
//! Must not run or build anything outside a box.

pub mod apt;
pub mod build;
pub mod commit;
mod self_test;
pub mod source;
pub mod toolchain;
pub mod version;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use domain::package::Ecosystem;
use domain::proof::{OracleKind, Reason};

use super::{Ground, Held, Published, PublishedVersion, Ready, Row, Runtime, Scene, SelfTest, Toolchain, Unready};
use crate::bundle::Bundle;
use crate::bundle::manifest::RuntimeKind;
use crate::digest::Sha256Hex;
use crate::engine::EngineError;
use crate::failure::{self, Shortfall};
use crate::fix::tree::tree_digest;
use crate::git::Git;
use crate::harness::{HarnessError, Observed, PROOF_FOLDER};
use crate::npm::layer::closure_digest;
use crate::progress::Progress;
use crate::receipt::{Predicate, RuntimeIdentity};
use crate::sandbox::{BoxSpec, Exit, Mount};
use crate::source::SourceError;
use apt::{Apt, SourceRecord};
use build::{TARGET_FOLDER, Tree};
use source::SourceTree;
use version::{Cut, TreeVersion};

/// The ecosystems whose packages bring C code that it can build.
pub const SOURCES: &[Ecosystem] = &[Ecosystem::Debian];
/// How the sanitizers behave in a run: no leaks, memory that is not to be had is refused and not reported, our part may
/// stand before the sanitizer.
const SANITIZER_OPTIONS: &str = "detect_leaks=0:allocator_may_return_null=1:handle_abort=0:detect_odr_violation=0:\
                                 verify_asan_link_order=0:abort_on_error=0:exitcode=1";
/// Starts the program with our part in it: the shell itself is to have none.
const START: &str = r#"LD_PRELOAD=/harness/native.so exec "$0" "$@""#;
const START_STDIN: &str = r#"LD_PRELOAD=/harness/native.so exec "$0" "$@" < "$PROOF_INPUT""#;

/// What is said of it before an engine is opened.
pub const ROW: Row = Row {
    kind: RuntimeKind::Native,
    ecosystem: Ecosystem::Debian,
    // The program is an input file, of whatever kind the target reads.
    endings: &[""],
    oracles: &[OracleKind::MemoryError, OracleKind::FileWrite, OracleKind::CommandExecution, OracleKind::Assertion],
    sees_hands: false,
    version_example: "6.0-28",
    version_is_exact: |text| TreeVersion::parse(text).is_some(),
    name_is_valid: |_| false,
    open: |ground| Box::new(Native::new(ground)),
};

/// The runtime over one data folder.
pub struct Native {
    ground: Ground,
    apt: Apt,
    git: Git,
    toolchain: Mutex<Option<Toolchain>>,
}

impl Native {
    fn new(ground: &Ground) -> Self {
        let apt = Apt::new(ground.home.join("cache/apt"));
        let git = Git::new(ground.home.join("cache/git"), ground.config.repo.clone());
        Self { ground: ground.clone(), apt, git, toolchain: Mutex::default() }
    }

    fn record(&self, name: &str, base: &str) -> Result<SourceRecord, EngineError> {
        let found = self.apt.records(name)?.into_iter().find(|record| record.version == base);
        Ok(found.ok_or_else(|| SourceError::NoSuchVersion { name: name.to_owned(), version: base.to_owned() })?)
    }

    fn tree(&self, bundle: &Bundle, base: &str) -> Result<SourceTree, EngineError> {
        if let Some(url) = &bundle.manifest().target.repo {
            return commit::obtain(&self.ground, &self.git, url, base);
        }
        let name = source_name(bundle)?;
        source::obtain(&self.ground, &self.apt, name, &self.record(name, base)?)
    }

    fn built(
        &self,
        bundle: &Bundle,
        toolchain: &Toolchain,
        version: &str,
        tree: &SourceTree,
    ) -> Result<Ready, EngineError> {
        let wanted = version_of(version)?;
        let known = match &wanted.cut {
            Cut::Whole => TreeVersion::whole(&wanted.base),
            Cut::First(count) => TreeVersion::first(&wanted.base, &tree.series, *count),
            Cut::Without(number) => TreeVersion::without(&wanted.base, &tree.series, number.saturating_sub(1)),
        };
        if known != wanted || matches!(wanted.cut, Cut::Without(number) if number == 0 || number > tree.series.len()) {
            let detail = format!("{version}: there is no such patch in the series of {}", wanted.base);
            return Err(EngineError::Unready(Unready { reason: Reason::InstallFailed, detail }));
        }
        let source = Tree { source: &tree.folder, sha256: &tree.sha256, series: &tree.series, cut: &wanted.cut };
        let place = build::obtain(&self.ground, toolchain, bundle, &source)?;
        let closure = tree.patches(&wanted.base, &wanted.cut);
        Ok(Ready {
            version: version.to_owned(),
            sha256: tree.sha256.clone(),
            closure_digest: closure_digest(&closure),
            closure,
            mounts: vec![Mount { host: place.join("out"), at: TARGET_FOLDER.into() }],
            unbuilt: Vec::new(),
        })
    }

    fn versions_of(&self, name: &str, record: &SourceRecord) -> Vec<PublishedVersion> {
        // A version whose files are not served any more is listed: asked for, it says so.
        let tree = source::obtain(&self.ground, &self.apt, name, record).ok();
        let series = tree.map(|tree| tree.series).unwrap_or_default();
        let listed = |count| PublishedVersion {
            text: TreeVersion::first(&record.version, &series, count).to_string(),
            line: record.version.clone(),
            prerelease: false,
            published: None,
            yanked: false,
        };
        (0..=series.len()).map(listed).collect()
    }
}

impl Runtime for Native {
    fn published(&self, bundle: &Bundle) -> Result<Published, EngineError> {
        if let Some(url) = &bundle.manifest().target.repo {
            return commit::published(&self.git, bundle, url);
        }
        let name = source_name(bundle)?;
        let records = self.apt.records(name)?;
        let versions = records.iter().flat_map(|record| self.versions_of(name, record)).collect();
        Ok(Published { versions })
    }

    fn toolchain(
        &self,
        bundle: &Bundle,
        stated: Option<&RuntimeIdentity>,
        progress: &dyn Progress,
    ) -> Result<Toolchain, EngineError> {
        let mut known = self.toolchain.lock().unwrap_or_else(PoisonError::into_inner);
        let found = match &*known {
            Some(found) if self.ground.store.is_here(&found.root) => found.clone(),
            _ => {
                progress.note("looking at the C compiler");
                known.insert(toolchain::find(&self.ground)?).clone()
            }
        };
        let asked = stated.map(|stated| stated.version.as_str()).or(bundle.manifest().runtime.version.as_deref());
        match asked {
            Some(asked) if asked != found.version => Err(EngineError::Unfit {
                runtime: format!("native {asked}"),
                why: format!("the compiler of this machine is {}; install that one", found.label()),
            }),
            _ => Ok(found),
        }
    }

    fn is_here(&self, bundle: &Bundle, version: &str) -> bool {
        if let Some(url) = &bundle.manifest().target.repo {
            return commit::here(&self.ground, &self.git, url, version).is_some();
        }
        let here = || {
            let name = source_name(bundle).ok()?;
            let record = self.record(name, &version_of(version).ok()?.base).ok()?;
            SourceTree::find(&self.ground, &record.control()?.2)
        };
        here().is_some()
    }

    fn fetch(&self, bundle: &Bundle, version: &str) -> Result<(), EngineError> {
        self.tree(bundle, &version_of(version)?.base).map(|_| ())
    }

    fn ready(&self, bundle: &Bundle, toolchain: &Toolchain, version: &str) -> Result<Ready, EngineError> {
        let tree = self.tree(bundle, &version_of(version)?.base)?;
        self.built(bundle, toolchain, version, &tree)
    }

    fn ready_exactly(&self, bundle: &Bundle, toolchain: &Toolchain, stated: &Predicate) -> Result<Ready, EngineError> {
        let kept = match &bundle.manifest().target.repo {
            Some(_) => commit::find(&self.ground, &stated.target_sha256),
            None => SourceTree::find(&self.ground, &stated.target_sha256),
        };
        let tree = match kept {
            Some(tree) => tree,
            None => self.tree(bundle, &version_of(&stated.version)?.base)?,
        };
        if tree.sha256 != stated.target_sha256 {
            let name = bundle.manifest().target.package.name();
            return Err(EngineError::other_bytes(name, &stated.version, &tree.sha256, &stated.target_sha256));
        }
        self.built(bundle, toolchain, &stated.version, &tree)
    }

    fn stub(&self, _bundle: &Bundle, _toolchain: &Toolchain, ready: &Ready) -> Result<Held<Ready>, EngineError> {
        let mounts = ready.mounts.iter().map(|mount| match mount.at.as_str() {
            TARGET_FOLDER => Mount { host: mount.host.with_file_name("stub"), at: mount.at.clone() },
            _ => mount.clone(),
        });
        Ok(Held { value: Ready { mounts: mounts.collect(), ..ready.clone() }, guard: None })
    }

    /// The tree with the patches of its version in it.
    fn own_files(&self, bundle: &Bundle, _toolchain: &Toolchain, version: &str) -> Result<PathBuf, EngineError> {
        let wanted = version_of(version)?;
        let tree = self.tree(bundle, &wanted.base)?;
        let source = Tree { source: &tree.folder, sha256: &tree.sha256, series: &tree.series, cut: &wanted.cut };
        build::patched_tree(&self.ground, &source)
    }

    fn ready_patched(
        &self,
        bundle: &Bundle,
        toolchain: &Toolchain,
        version: &str,
        tree: &Path,
    ) -> Result<Held<Ready>, EngineError> {
        let mut ready = self.ready(bundle, toolchain, version)?;
        ready.sha256 = tree_digest(tree)?;
        // Its own patches are in it already.
        let source = Tree { source: tree, sha256: &ready.sha256, series: &[], cut: &Cut::Whole };
        let place = build::obtain(&self.ground, toolchain, bundle, &source)?;
        ready.mounts = vec![Mount { host: place.join("out"), at: TARGET_FOLDER.into() }];
        Ok(Held { value: ready, guard: None })
    }

    fn builds_programs(&self) -> bool {
        false
    }

    fn dress(&self, scene: &Scene<'_>, spec: &mut BoxSpec) -> Result<(), HarnessError> {
        let run = &scene.bundle.manifest().run;
        let input = format!("{PROOF_FOLDER}/{}", scene.attempt.entry);
        let mut set = |key: &str, value: String| spec.env.push((key.to_owned(), value));
        set("ASAN_OPTIONS", SANITIZER_OPTIONS.into());
        set("LD_LIBRARY_PATH", format!("{TARGET_FOLDER}/lib:{TARGET_FOLDER}"));
        set("PROOF_INPUT", input.clone());
        let role = if scene.attempt.entry == run.control { "c" } else { "p" };
        spec.channel_in = format!("{}{role}", scene.secrets.key_hex()).into_bytes();
        spec.vast_address_space = true;
        let start = if run.stdin { START_STDIN } else { START };
        spec.argv = vec!["/bin/sh".into(), "-c".into(), start.into()];
        let mut words = run.command.iter().map(|word| word.replace(crate::bundle::INPUT_WORD, &input));
        spec.argv.extend(words.next().map(|first| format!("{TARGET_FOLDER}/{first}")));
        spec.argv.extend(words);
        Ok(())
    }

    fn ablations(&self, bundle: &Bundle, version: &str) -> Result<Vec<(String, String)>, EngineError> {
        let base = version_of(version)?.base;
        let series = self.tree(bundle, &base)?.series;
        let without = |index: usize| TreeVersion::without(&base, &series, index).to_string();
        Ok(series.iter().enumerate().map(|(index, name)| (name.clone(), without(index))).collect())
    }

    fn shortfall(&self, observed: &Observed, bundle: &Bundle) -> Option<Shortfall> {
        let short = |reason, detail: String| Some(Shortfall { reason, detail });
        let outcome = &observed.outcome;
        if let Some(short) = failure::at_limit(outcome) {
            return Some(short);
        }
        let how = observed.report.as_ref().map(|report| report.how.as_str());
        match (outcome.exit, how) {
            (Exit::Code(127), None) => short(Reason::LoadFailed, "the built program cannot be started".into()),
            (_, Some("sanitizer")) => short(Reason::HarnessError, "ended by a sanitizer's finding".into()),
            (Exit::Signal(signal), _) => short(Reason::HarnessError, format!("ended by signal {signal}")),
            (_, None) => short(Reason::HarnessError, "ended without the harness's report".into()),
            (Exit::Code(0), _) => None,
            (Exit::Code(code), Some("exit"))
                if u8::try_from(code).is_ok_and(|code| bundle.manifest().run.statuses.contains(&code)) =>
            {
                None
            }
            (Exit::Code(code), _) => short(Reason::HarnessError, format!("ended with status {code}")),
        }
    }

    fn self_test(&self, kind: OracleKind, toolchain: &Toolchain) -> Result<SelfTest, EngineError> {
        self_test::made(&self.ground, kind, toolchain)
    }

    fn harness_digest(&self) -> Sha256Hex {
        Sha256Hex::of(toolchain::WATCH.as_bytes())
    }
}

/// The name of the source package.
fn source_name(bundle: &Bundle) -> Result<&str, EngineError> {
    let name = bundle.manifest().target.package.name();
    let plain = |name: &&str| {
        name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+.-".contains(c))
    };
    let found = name.strip_prefix("debian/").filter(plain);
    Ok(found.ok_or_else(|| SourceError::NoSuchPackage { name: name.to_owned() })?)
}

fn version_of(text: &str) -> Result<TreeVersion, EngineError> {
    TreeVersion::parse(text).ok_or_else(|| EngineError::malformed_version(text, ROW.version_example))
}
