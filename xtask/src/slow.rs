//! `cargo xtask slow versions`: a million pairs of versions for each ecosystem's own program. Makes the programs below
//! `target/tools/versions` through the registries' ordinary clients; what only the distribution has (dpkg's and RPM's
//! libraries, Ruby, PHP with Composer) must be installed, and is named when it is not. `cargo xtask slow fuzz`: the readers of
//! inventories and of reports before changed documents. Must not touch the product.

use anyhow::{Context as _, Result, ensure};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

const PAIRS_COUNT: &str = "1000000";
const SEED: &str = "20261127";

/// From PyPI, into one folder.
const PYTHON_PACKAGES: [&str; 4] = ["packaging==25.0", "py-rattler==0.28.0", "conan==2.34.0", "univers==32.0.1"];
const NODE_PACKAGE: &str = "semver@7.8.6";
const MAVEN_ARTIFACT: &str = "org.apache.maven:maven-artifact:3.9.11";
const MAVEN_JAR: &str = "maven-artifact-3.9.11.jar";
/// Where Debian's php-composer-semver puts it.
const COMPOSER_AUTOLOAD: &str = "/usr/share/php/Composer/Semver/autoload.php";

/// Asks every peer that can be made; `arguments` are a seed and a count of pairs, or nothing.
pub fn versions(root: &Path, arguments: &[&str]) -> Result<bool> {
    let (seed, pairs) = match arguments {
        [seed, pairs] => (*seed, *pairs),
        _ => (SEED, PAIRS_COUNT),
    };
    let made = root.join("target/tools/versions");
    let scripts = root.join("peers/versions");
    std::fs::create_dir_all(&made).with_context(|| format!("make the folder {}", made.display()))?;
    let (lines, missing) = peers_make(&made, &scripts);
    let mut command = Command::new("cargo");
    command.args(["run", "--quiet", "--release", "--package", "versions", "--example", "peers", "--", seed, pairs]);
    let mut child = command.current_dir(root).stdin(Stdio::piped()).spawn().context("start the example `peers`")?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(lines.join("\n").as_bytes()).context("tell the example `peers` what to ask")?;
    }
    let same = child.wait().context("wait for the example `peers`")?.success();
    for (name, error) in &missing {
        println!("not asked: {name}: {error:#}");
    }
    Ok(same && missing.is_empty())
}

/// Its source holds the purl specification's test suite.
const PURL_PACKAGE: &str = "packageurl-python==0.17.5";
const PURL_ARCHIVE: &str = "packageurl_python-0.17.5";

/// Puts the purl specification's own test suite, as the package ships it, to the reader of purls.
pub fn purl(root: &Path) -> Result<bool> {
    let made = root.join("target/tools/purl");
    std::fs::create_dir_all(&made).with_context(|| format!("make the folder {}", made.display()))?;
    let mut download = Command::new("python3");
    download.args(["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest"]);
    ran(download.arg(&made).arg(PURL_PACKAGE))?;
    let suite = format!("{PURL_ARCHIVE}/tests/data/test-suite-data.json");
    ran(Command::new("tar")
        .arg("-C")
        .arg(&made)
        .arg("-xzf")
        .arg(made.join(format!("{PURL_ARCHIVE}.tar.gz")))
        .arg(&suite))?;
    let mut command = Command::new("cargo");
    command.args(["run", "--quiet", "--package", "formats", "--example", "purl_suite", "--"]).arg(made.join(suite));
    Ok(command.current_dir(root).status().context("start the example `purl_suite`")?.success())
}

/// Seconds that each document is changed for.
const FUZZ_SECONDS: &str = "60";

/// Runs the examples `fuzz` of the crates `formats` and `intake`, with overflow checked, over the tests' documents and the examples; `arguments` are a seed and seconds, or
/// nothing.
pub fn fuzz(root: &Path, arguments: &[&str]) -> Result<bool> {
    let (seed, seconds) = match arguments {
        [seed, seconds] => (*seed, *seconds),
        _ => (SEED, FUZZ_SECONDS),
    };
    let mut command = Command::new("cargo");
    command.args(["run", "--quiet", "--package", "formats", "--example", "fuzz", "--", seed, seconds]);
    command.args(["crates/formats/tests/data/inventory", "examples/inventories"]).current_dir(root);
    let inventories = command.status().context("start the example `fuzz` of formats")?.success();
    let mut command = Command::new("cargo");
    command.args(["run", "--quiet", "--package", "intake", "--example", "fuzz", "--", seed, seconds]);
    command.arg("crates/intake/tests/data").current_dir(root);
    Ok(command.status().context("start the example `fuzz` of intake")?.success() && inventories)
}

/// The lines that the example reads, and the peers that could not be made.
fn peers_make(made: &Path, scripts: &Path) -> (Vec<String>, Vec<(&'static str, anyhow::Error)>) {
    let path = |path: &Path| path.display().to_string();
    let script = |name: &str| path(&scripts.join(name));
    let python = made.join("python");
    let with_python = |kind: &str| format!("env\tPYTHONPATH={}\tpython3\t{}\t{kind}", path(&python), script("peer.py"));
    let classes = format!("{}:{}", path(made), path(&made.join(MAVEN_JAR)));
    let all: [(&'static str, &'static str, Result<()>, String); 12] = [
        (
            "npm",
            "node-semver",
            npm_make(made),
            format!("node\t{}\t{}/", script("npm.mjs"), path(&made.join("node_modules"))),
        ),
        ("PyPI", "packaging", python_make(&python), with_python("pypi")),
        ("Maven", "ComparableVersion", maven_make(made, scripts), format!("java\t-cp\t{classes}\tMaven")),
        ("RubyGems", "Gem::Version", asked("ruby", "--version"), format!("ruby\t{}", script("gem.rb"))),
        (
            "Packagist",
            "composer/semver",
            asked("php", "--version"),
            format!("php\t{}\t{COMPOSER_AUTOLOAD}", script("composer.php")),
        ),
        ("Go", "golang.org/x/mod/semver", go_make(made, scripts), path(&made.join("go-semver"))),
        ("Debian", "libdpkg", debian_make(made, scripts), path(&made.join("debian"))),
        ("Red Hat", "rpm", Ok(()), format!("/usr/bin/python3\t{}\trpm", script("peer.py"))),
        ("conda", "rattler", Ok(()), with_python("conda")),
        ("NuGet", "univers (weaker evidence)", Ok(()), with_python("nuget")),
        ("Alpine", "univers (weaker evidence)", Ok(()), with_python("apk")),
        ("ConanCenter", "conan", Ok(()), with_python("conan")),
    ];
    let (mut lines, mut missing) = (Vec::new(), Vec::new());
    for (ecosystem, name, result, command) in all {
        match result {
            Ok(()) => lines.push(format!("{ecosystem}\t{name}\t{command}")),
            Err(error) => missing.push((name, error)),
        }
    }
    (lines, missing)
}

fn ran(command: &mut Command) -> Result<()> {
    let status = command.stdout(Stdio::null()).status().with_context(|| format!("start {command:?}"))?;
    ensure!(status.success(), "{command:?} failed ({status})");
    Ok(())
}

fn asked(program: &str, argument: &str) -> Result<()> {
    ran(Command::new(program).arg(argument))
}

fn npm_make(made: &Path) -> Result<()> {
    ran(Command::new("npm").args(["install", "--ignore-scripts", "--no-audit", "--prefix"]).arg(made).arg(NODE_PACKAGE))
}

fn python_make(python: &Path) -> Result<()> {
    let mut command = Command::new("python3");
    ran(command.args(["-m", "pip", "install", "--quiet", "--upgrade", "--target"]).arg(python).args(PYTHON_PACKAGES))
}

fn maven_make(made: &Path, scripts: &Path) -> Result<()> {
    let artifact = format!("-Dartifact={MAVEN_ARTIFACT}");
    ran(Command::new("mvn")
        .args(["--quiet", "dependency:copy", &artifact])
        .arg(format!("-DoutputDirectory={}", made.display())))?;
    ran(Command::new("javac").arg("-cp").arg(made.join(MAVEN_JAR)).arg("-d").arg(made).arg(scripts.join("Maven.java")))
}

fn go_make(made: &Path, scripts: &Path) -> Result<()> {
    ran(Command::new("go").args(["build", "-o"]).arg(made.join("go-semver")).arg(".").current_dir(scripts.join("go")))
}

fn debian_make(made: &Path, scripts: &Path) -> Result<()> {
    let source = scripts.join("debian.c");
    ran(Command::new("cc").arg("-O2").arg("-o").arg(made.join("debian")).arg(source).args(["-ldpkg", "-lmd"]))
        .context("needs Debian's libdpkg-dev and libmd-dev")
}
