//! Build boxes of native code: one script of ours around the bundle's recipe. What comes out is as hostile as the recipe.
//!
//! Must not decide what a failed build means for a verdict beyond its reason.

use std::fs;
use std::path::{Path, PathBuf};

use domain::proof::Reason;

use super::version::Cut;
use crate::bundle::Bundle;
use crate::bundle::manifest::Build;
use crate::digest::Sha256Hex;
use crate::engine::EngineError;
use crate::file;
use crate::runtime::{Ground, Toolchain, Unready};
use crate::sandbox::{BoxOutcome, BoxSpec, CopyOut, FolderOut, Limits, Mount, PlacedFile, Sandbox};

/// Wall time of one build, in milliseconds.
pub const BUILD_WALL_MS_MAX: u64 = 900_000;
/// Memory of one build, in bytes.
pub const BUILD_MEMORY_BYTES_MAX: u64 = 3 << 30;
/// Bytes a build may write.
pub const BUILD_DISK_BYTES_MAX: u64 = 1 << 30;
/// Files a build may make.
pub const BUILD_FILES_COUNT_MAX: u32 = 60_000;
/// Bytes of what a build leaves.
pub const BUILT_BYTES_MAX: u64 = 512 << 20;
/// Where the source tree is built in the box: the beginning of its file names in debug information.
pub const TREE_FOLDER: &str = "/box/build/";
/// Where what the recipe put into `$OUT` is in the box of a run.
pub const TARGET_FOLDER: &str = "/app/target";
/// The program made of a bundle's driver.
pub const DRIVER_NAME: &str = "driver";
/// What the engine compiles with. Bounds that the compiler knows are checked beside what the address sanitizer sees; other
/// undefined behaviour is no memory error.
const FLAGS: &str = "-O1 -g1 -fno-omit-frame-pointer -fno-optimize-sibling-calls -w -std=gnu17 \
                     -fsanitize=address,bounds,object-size -fno-sanitize-recover=all";
const FLAGS_CXX: &str = "-O1 -g1 -fno-omit-frame-pointer -fno-optimize-sibling-calls -w \
                         -fsanitize=address,bounds,object-size -fno-sanitize-recover=all";
const FLAGS_LINK: &str = "-fsanitize=address,bounds,object-size";
/// Statuses of our script.
const PATCH_FAILED: i32 = 91;
const RECIPE_FAILED: i32 = 92;
const DRIVER_FAILED: i32 = 93;

/// Where the part of the script ends that puts patches in.
const AFTER_PATCHES: &str = "find /box/build";
/// Patches, recipe, driver, stand-in; each failure with its own status.
const SCRIPT: &str = r#"set -eu
cp -R /source /box/build
cd /box/build
while read -r how name; do
  case $how in
    apply) patch -p1 -f -N -s -F0 --no-backup-if-mismatch -r - -i "/source/debian/patches/$name" ;;
    revert) patch -p1 -f -R -s -F2 --no-backup-if-mismatch -r - -i "/source/debian/patches/$name" ;;
  esac >&2 || { echo "$how $name" >&2; exit 91; }
done < /recipe/steps
find /box/build -exec touch -h -d @1000000000 {} +
mkdir -p "$OUT"
sh /recipe/build.sh >&2 || exit 92
rm -rf /box/made/stub && cp -R "$OUT" /box/made/stub
find /box/made/stub -type f -perm -u+x -exec cp /harness/inert {} \;
[ -f /recipe/driver.c ] || exit 0
cd /box
$CC -O1 -g0 -w -fno-omit-frame-pointer -fsanitize=address -I "$OUT/include" -I "$OUT" -c /recipe/driver.c -o driver.o || exit 93
objcopy --strip-debug driver.o
set -- ; own=
while read -r word; do
  case $word in
    -l*) set -- "$@" "$word" ;;
    *) own="$own $OUT/$word" ;;
  esac
done < /recipe/link
$CC $LDFLAGS -o "$OUT/driver" driver.o $own "$@" || exit 93
nm -u driver.o | awk '{ print $NF }' | sort -u > wanted
{ nm -g --defined-only $own 2>/dev/null; nm -D --defined-only $own 2>/dev/null || true; } | awk 'NF == 3 { print $3 }' | sort -u > had
comm -12 wanted had | awk '{ print "void *" $1 "(void) { return 0; }" }' > stub.c
$CC -O1 -w -fno-builtin -c stub.c -o stub.o
$CC $LDFLAGS -o /box/made/stub/driver driver.o stub.o "$@" || exit 93
"#;

/// One build.
pub struct Job<'a> {
    /// Run by `sh`.
    pub script: &'a str,
    /// Placed before.
    pub files: Vec<PlacedFile>,
    /// Seen read-only.
    pub mounts: Vec<Mount>,
    /// Beside the common environment.
    pub env: Vec<(String, String)>,
    /// The folder below the box that is brought out.
    pub made: &'a str,
}

/// Runs a build in a box; where it ends well, what it made is at `dest`.
///
/// # Errors
/// Where there was no run.
pub fn run(sandbox: &Sandbox, job: &Job<'_>, dest: &Path) -> Result<BoxOutcome, EngineError> {
    let set = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let common = [
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("HOME", "/box"),
        ("LC_ALL", "C"),
        ("SOURCE_DATE_EPOCH", "1000000000"),
        // Programs of the target run while it is built: no leak of theirs is a failure, and tracing them is impossible.
        ("ASAN_OPTIONS", "detect_leaks=0"),
    ];
    if let Some(parent) = dest.parent() {
        fs::create_dir_all(parent).map_err(|source| EngineError::Home {
            step: "make",
            path: parent.to_owned(),
            source,
        })?;
    }
    let mut spec = BoxSpec::new(["/bin/sh", "-c", job.script]);
    spec.env = common.iter().map(set).chain(job.env.iter().cloned()).collect();
    spec.mounts.clone_from(&job.mounts);
    spec.files.clone_from(&job.files);
    spec.exec = true;
    spec.vast_address_space = true;
    spec.limits = Limits {
        wall_ms: BUILD_WALL_MS_MAX,
        cpu_ms: BUILD_WALL_MS_MAX * 2,
        memory_bytes: BUILD_MEMORY_BYTES_MAX,
        processes: 256,
        files: BUILD_FILES_COUNT_MAX,
        open_files: 1_024,
        disk_bytes: BUILD_DISK_BYTES_MAX,
        ..Limits::default()
    };
    spec.copy_out = CopyOut::Folder(FolderOut {
        path: job.made.to_owned(),
        dest: dest.to_owned(),
        bytes_max: BUILT_BYTES_MAX,
        files_max: BUILD_FILES_COUNT_MAX,
    });
    Ok(sandbox.run(&spec).map_err(crate::harness::HarnessError::from)?)
}

/// The last thing a build said, in one line.
#[must_use]
pub fn told(outcome: &BoxOutcome) -> String {
    let text = outcome.stderr.text();
    let line = text
        .lines()
        .find(|line| line.contains("error:"))
        .or_else(|| text.lines().rev().find(|line| !line.trim().is_empty()));
    let said: String = line.unwrap_or("it said nothing").chars().filter(|c| !c.is_control()).take(240).collect();
    match outcome.limit_hit {
        Some(limit) => format!("ended at its {} limit", limit.as_str()),
        None => said,
    }
}

/// A source tree and what is to be in it.
pub struct Tree<'a> {
    /// The unpacked source, without any patch.
    pub source: &'a Path,
    /// By what it is named.
    pub sha256: &'a Sha256Hex,
    /// Its patches, by name, in their order.
    pub series: &'a [String],
    /// Which of them.
    pub cut: &'a Cut,
}

impl Tree<'_> {
    /// What is done to the tree, one step a line.
    fn steps(&self) -> String {
        let count = match self.cut {
            Cut::First(count) => *count,
            Cut::Whole | Cut::Without(_) => self.series.len(),
        };
        let mut steps: Vec<String> = self.series.iter().take(count).map(|name| format!("apply {name}")).collect();
        if let Cut::Without(number) = self.cut {
            steps.extend(number.checked_sub(1).and_then(|at| self.series.get(at)).map(|name| format!("revert {name}")));
        }
        steps.iter().map(|step| format!("{step}\n")).collect()
    }
}

/// The tree with the patches of its cut in it, made once and kept.
///
/// # Errors
/// [`EngineError::Unready`] with `build-failed` where a patch does not go in.
pub fn patched_tree(ground: &Ground, tree: &Tree<'_>) -> Result<PathBuf, EngineError> {
    let patching = SCRIPT.split(AFTER_PATCHES).next().unwrap_or_default();
    let script = format!("{patching}mkdir /box/made && mv /box/build /box/made/tree\n");
    let steps = tree.steps();
    let listing = format!("native tree 1\n{}\n{}\n{steps}", tree.sha256, Sha256Hex::of(script.as_bytes()));
    let place = ground.store.builds().join(Sha256Hex::of(listing.as_bytes()).as_str());
    if ground.store.is_here(&place) {
        return Ok(place.join("tree"));
    }
    let files = vec![PlacedFile { at: "/recipe/steps".into(), bytes: steps.into_bytes(), mode: 0o444 }];
    let mounts = vec![Mount { host: tree.source.to_owned(), at: "/source".into() }];
    let draft = ground.store.draft()?;
    let job = Job { script: &script, files, mounts, env: Vec::new(), made: "made" };
    let outcome = run(&ground.sandbox, &job, &draft)?;
    if !outcome.ok() || !draft.is_dir() {
        return Err(unready(format!("a patch does not go in: {}", told(&outcome))));
    }
    let home = |source| EngineError::Home { step: "keep tree", path: place.clone(), source };
    ground.store.place(&draft, &place).map_err(home)?;
    Ok(place.join("tree"))
}

/// A tree built by the recipe of a bundle: a folder with `out` and `stub`. Built once and kept.
///
/// # Errors
/// [`EngineError::Unready`] with `build-failed` where a patch, the recipe or the driver fails.
pub fn obtain(
    ground: &Ground,
    toolchain: &Toolchain,
    bundle: &Bundle,
    tree: &Tree<'_>,
) -> Result<PathBuf, EngineError> {
    let Some(build) = &bundle.manifest().build else {
        return Err(unready("the bundle has no recipe".into()));
    };
    let files = files(bundle, build, tree);
    let key = key(toolchain, &files, tree);
    let place = ground.store.builds().join(key.as_str());
    if ground.store.is_here(&place) {
        return Ok(place);
    }
    // A build that failed will fail again: everything it depends on is in the key.
    let failure = ground.store.builds().join(format!("{key}.failed"));
    if let Ok(why) = fs::read_to_string(&failure) {
        return Err(unready(why));
    }
    let mut mounts = toolchain.mounts.clone();
    mounts.push(Mount { host: tree.source.to_owned(), at: "/source".into() });
    let env = [
        ("CC", "cc"),
        ("CXX", "c++"),
        ("CFLAGS", FLAGS),
        ("CXXFLAGS", FLAGS_CXX),
        ("LDFLAGS", FLAGS_LINK),
        ("OUT", "/box/made/out"),
    ];
    let env = env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let draft = ground.store.draft()?;
    let outcome = run(&ground.sandbox, &Job { script: SCRIPT, files, mounts, env, made: "made" }, &draft)?;
    let home = |source| EngineError::Home { step: "keep build", path: place.clone(), source };
    if outcome.ok() && draft.is_dir() {
        ground.store.place(&draft, &place).map_err(home)?;
        return Ok(place);
    }
    let what = match outcome.exit {
        crate::sandbox::Exit::Code(PATCH_FAILED) => "a patch does not go in",
        crate::sandbox::Exit::Code(RECIPE_FAILED) => "the target is not built by the recipe",
        crate::sandbox::Exit::Code(DRIVER_FAILED) => "the driver does not build against this version",
        _ => "the build did not end well",
    };
    let why = format!("{what}: {}", told(&outcome));
    if outcome.limit_hit.is_none() {
        file::write_whole(&failure, why.as_bytes()).map_err(home)?;
    }
    Err(unready(why))
}

fn unready(detail: String) -> EngineError {
    EngineError::Unready(Unready { reason: Reason::BuildFailed, detail })
}

fn files(bundle: &Bundle, build: &Build, tree: &Tree<'_>) -> Vec<PlacedFile> {
    let of = |name: &str| bundle.files().get(name).cloned().unwrap_or_default();
    let placed = |at: &str, bytes: Vec<u8>| PlacedFile { at: at.into(), bytes, mode: 0o444 };
    let link: String = build.link.iter().map(|word| format!("{word}\n")).collect();
    let mut files = vec![
        placed("/recipe/build.sh", of(&build.script)),
        placed("/recipe/steps", tree.steps().into_bytes()),
        placed("/recipe/link", link.into_bytes()),
    ];
    files.extend(build.driver.iter().map(|name| placed("/recipe/driver.c", of(name))));
    files
}

/// By everything that decides what comes out.
fn key(toolchain: &Toolchain, files: &[PlacedFile], tree: &Tree<'_>) -> Sha256Hex {
    let mut listing = format!("native build 1\n{}\n{}\n", toolchain.sha256, tree.sha256);
    for text in [SCRIPT, FLAGS, FLAGS_CXX, FLAGS_LINK] {
        listing.push_str(&format!("{}\n", Sha256Hex::of(text.as_bytes())));
    }
    for file in files {
        listing.push_str(&format!("{} {}\n", file.at, Sha256Hex::of(&file.bytes)));
    }
    Sha256Hex::of(listing.as_bytes())
}
