//! How much symbols help: a simple rule of our own over several versions of real packages, its results written as SARIF with lines
//! only, and each two versions sorted with and without the trees. What is right is told by `git diff` alone: a result whose line is
//! unchanged is the result on that line of the other version. Packages come through the registries' clients; none is run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

/// Packages with versions in order.
const NPM: [(&str, &[&str]); 4] = [
    ("jquery", &["3.3.1", "3.4.1", "3.5.1", "3.6.0", "3.7.1"]),
    ("ejs", &["2.7.4", "3.0.2", "3.1.6", "3.1.10"]),
    ("lodash", &["4.17.4", "4.17.11", "4.17.15", "4.17.21"]),
    ("marked", &["0.6.3", "0.7.0", "0.8.2", "1.2.9"]),
];
const PYPI: [(&str, &[&str]); 3] = [
    ("jinja2", &["2.10.3", "2.11.3", "3.0.3", "3.1.4"]),
    ("mako", &["1.1.6", "1.2.4", "1.3.5"]),
    ("werkzeug", &["1.0.1", "2.0.3", "2.3.8"]),
];
const CRATES: [(&str, &[&str]); 3] = [
    ("smallvec", &["1.6.0", "1.8.0", "1.10.0", "1.13.2"]),
    ("httparse", &["1.5.1", "1.8.0", "1.9.4"]),
    ("semver", &["1.0.4", "1.0.14", "1.0.23"]),
];
/// What the rule looks for, by a file's ending: the rule's name, what stands on the line, a weakness.
const RULES: [(&str, &str, &str, u32); 13] = [
    ("js", "html", "innerHTML", 79),
    ("js", "code", "eval(", 95),
    ("js", "code", "Function(", 95),
    ("js", "match", ".exec(", 1333),
    ("js", "match", ".test(", 1333),
    ("js", "replace", ".replace(", 116),
    ("py", "code", "eval(", 95),
    ("py", "code", "exec(", 95),
    ("py", "compile", "compile(", 1333),
    ("py", "attribute", "getattr(", 470),
    ("rs", "unwrap", ".unwrap()", 248),
    ("rs", "index", "get_unchecked", 787),
    ("rs", "unsafe", "unsafe {", 119),
];
/// The longest line that is looked at, in bytes: what was made by a machine is no source.
const LINE_BYTES_MAX: usize = 500;

/// One result: file, line, rule.
type Found = (String, u32, &'static str);

/// What came of pairs of results.
#[derive(Clone, Copy, Default)]
struct Counted {
    right: usize,
    wrong: usize,
    missed: usize,
}

/// Fetches, sorts and prints. `proofhouse` is the built program, with `proofhouse-symbols` beside it.
pub fn run(root: &Path, proofhouse: &Path) -> Result<()> {
    let room = root.join("target/tools/symbols");
    let (mut all, mut results) = ([Counted::default(); 2], 0);
    for (kind, packages) in [("npm", NPM.as_slice()), ("pypi", PYPI.as_slice()), ("crates", CRATES.as_slice())] {
        for (name, versions) in packages {
            let mut one = [Counted::default(); 2];
            let trees =
                versions.iter().map(|version| fetched(&room, kind, name, version)).collect::<Result<Vec<_>>>()?;
            for pair in trees.windows(2) {
                let [old, new] = pair else { continue };
                let (found, counted) = versions_compare(proofhouse, &room, name, old, new)?;
                results += found;
                for (at, counted) in counted.into_iter().enumerate() {
                    for sum in [&mut one[at], &mut all[at]] {
                        sum.right += counted.right;
                        sum.wrong += counted.wrong;
                        sum.missed += counted.missed;
                    }
                }
            }
            println!("{name}, {} versions: lines only {}; with symbols {}", versions.len(), told(one[0]), told(one[1]));
        }
    }
    println!("{results} results of real packages: lines only {}; with symbols {}", told(all[0]), told(all[1]));
    Ok(())
}

fn told(counted: Counted) -> String {
    let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
    let (precision, recall) =
        (share(counted.right, counted.right + counted.wrong), share(counted.right, counted.right + counted.missed));
    format!("precision {precision:.4}, recall {recall:.4} (of {} pairs)", counted.right + counted.missed)
}

/// Sorts the results of two versions without and with their trees.
fn versions_compare(
    proofhouse: &Path,
    room: &Path,
    name: &str,
    old: &Path,
    new: &Path,
) -> Result<(usize, [Counted; 2])> {
    let (a, b) = (scan(old)?, scan(new)?);
    let same = lines_kept(old, new, &a, &b)?;
    let (one, other) = (room.join("old.sarif"), room.join("new.sarif"));
    std::fs::write(&one, sarif(name, &a))?;
    std::fs::write(&other, sarif(name, &b))?;
    let plain = joined(Command::new(proofhouse).arg("triage").arg(&one).arg(&other).arg("--json"))?;
    let mut with = Command::new(proofhouse);
    with.arg("triage").arg(&one).arg(&other).arg("--json");
    for (report, tree) in [(&one, old), (&other, new)] {
        with.arg("--source").arg(format!("{}={}", report.display(), tree.display()));
    }
    let with = joined(&mut with)?;
    Ok((a.len() + b.len(), [counted(&plain, &same), counted(&with, &same)]))
}

/// Pairs of a result of the old and one of the new version; what is on a changed line on both sides is not judged.
fn counted(joined: &BTreeSet<(usize, usize)>, same: &BTreeMap<usize, usize>) -> Counted {
    let back: BTreeMap<usize, usize> = same.iter().map(|(a, b)| (*b, *a)).collect();
    let right = same.iter().filter(|(a, b)| joined.contains(&(**a, **b))).count();
    let judged = joined.iter().filter(|(a, b)| same.contains_key(a) || back.contains_key(b)).count();
    Counted { right, wrong: judged - right, missed: same.len() - right }
}

/// Pairs of results, one of each document, that are in one cluster.
fn joined(command: &mut Command) -> Result<BTreeSet<(usize, usize)>> {
    let output = command.stderr(Stdio::inherit()).output().context("start proofhouse triage")?;
    ensure!(output.status.success(), "proofhouse triage ended with {}", output.status);
    let report: Value = serde_json::from_slice(&output.stdout).context("read what triage printed")?;
    let mut pairs = BTreeSet::new();
    for cluster in report["clusters"].as_array().into_iter().flatten() {
        let members: Vec<&str> =
            cluster["members"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let of = |document: &str| -> Vec<usize> {
            let all = members.iter().filter(|member| member.contains(document));
            all.filter_map(|member| member.rsplit('/').next()?.parse().ok()).collect()
        };
        let (old, new) = (of("/old.sarif#"), of("/new.sarif#"));
        pairs.extend(old.iter().flat_map(|a| new.iter().map(move |b| (*a, *b))));
    }
    Ok(pairs)
}

fn sarif(package: &str, found: &[Found]) -> String {
    let results: Vec<Value> = found
        .iter()
        .map(|(path, line, rule)| {
            let cwe = RULES.iter().find(|(_, name, ..)| name == rule).map_or(0, |(.., cwe)| *cwe);
            json!({"ruleId": rule, "message": {"text": "looked for by its spelling"}, "properties": {"tags": [format!("CWE-{cwe}")]},
                "locations": [{"physicalLocation": {"artifactLocation": {"uri": path}, "region": {"startLine": line}}}]})
        })
        .collect();
    json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "spelling"}}, "properties": {"package": package},
        "results": results}]})
    .to_string()
}

/// Which result of the old version is which of the new one: their lines are the same for `git diff`.
fn lines_kept(old: &Path, new: &Path, a: &[Found], b: &[Found]) -> Result<BTreeMap<usize, usize>> {
    let number: BTreeMap<&Found, usize> = b.iter().enumerate().map(|(at, found)| (found, at)).collect();
    let (mut same, mut hunks, mut file) = (BTreeMap::new(), Vec::new(), "");
    for (at, (path, line, rule)) in a.iter().enumerate() {
        if path != file {
            hunks = changes(&old.join(path), &new.join(path))?;
            file = path;
        }
        let Some(moved) = line_moved(&hunks, *line) else { continue };
        if let Some(other) = number.get(&(path.clone(), moved, *rule)) {
            same.insert(at, *other);
        }
    }
    Ok(same)
}

/// Where an unchanged line is now.
fn line_moved(hunks: &[[u32; 4]], line: u32) -> Option<u32> {
    let mut moved = i64::from(line);
    for [start, count, _, new_count] in hunks {
        // A hunk that only adds stands behind its line.
        let first = if *count == 0 { start + 1 } else { *start };
        if line < first {
            break;
        }
        if line < first + count {
            return None;
        }
        moved += i64::from(*new_count) - i64::from(*count);
    }
    u32::try_from(moved).ok()
}

/// The changes between two files, blanks apart: old start and count, new start and count.
fn changes(old: &Path, new: &Path) -> Result<Vec<[u32; 4]>> {
    if !new.is_file() {
        return Ok(vec![[1, u32::MAX / 2, 0, 0]]);
    }
    let mut diff = Command::new("git");
    diff.args(["diff", "--no-index", "--no-color", "--no-ext-diff", "-w", "--histogram", "-U0", "--"])
        .arg(old)
        .arg(new);
    let output = diff.output().context("start git diff")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let side = |text: &str| -> Option<[u32; 2]> {
        let (start, count) = text.get(1..)?.split_once(',').unwrap_or((text.get(1..)?, "1"));
        Some([start.parse().ok()?, count.parse().ok()?])
    };
    let heads = text.lines().filter_map(|line| line.strip_prefix("@@ "));
    let hunk = |head: &str| {
        let mut words = head.split(' ');
        let ([a, b], [c, d]) = (side(words.next()?)?, side(words.next()?)?);
        Some([a, b, c, d])
    };
    Ok(heads.filter_map(hunk).collect())
}

/// What the rule finds in a tree.
fn scan(tree: &Path) -> Result<Vec<Found>> {
    let mut files = Vec::new();
    files_find(tree, &mut files)?;
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let path = file.strip_prefix(tree).unwrap_or(&file).to_string_lossy().into_owned();
        let ending = path.rsplit('.').next().unwrap_or_default().to_owned();
        if !RULES.iter().any(|(known, ..)| *known == ending) || path.contains(".min.") {
            continue;
        }
        let text = String::from_utf8_lossy(&std::fs::read(&file)?).into_owned();
        for (at, line) in text.lines().enumerate().filter(|(_, line)| line.len() <= LINE_BYTES_MAX) {
            let rules: BTreeSet<&str> = RULES
                .iter()
                .filter(|(known, _, word, _)| *known == ending && line.contains(word))
                .map(|(_, rule, ..)| *rule)
                .collect();
            found.extend(rules.into_iter().map(|rule| (path.clone(), at as u32 + 1, rule)));
        }
    }
    Ok(found)
}

fn files_find(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))? {
        let entry = entry?;
        match entry.file_type()? {
            kind if kind.is_dir() => files_find(&entry.path(), files)?,
            kind if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
    Ok(())
}

/// The tree of one version, fetched once.
fn fetched(room: &Path, kind: &str, name: &str, version: &str) -> Result<PathBuf> {
    let tree = room.join(kind).join(name).join(version);
    if tree.is_dir() {
        return Ok(tree);
    }
    let work = room.join("work");
    let _ = std::fs::remove_dir_all(&work);
    std::fs::create_dir_all(work.join("tree"))?;
    match kind {
        "npm" => {
            ran(Command::new("npm").args(["pack", "--silent", &format!("{name}@{version}")]).current_dir(&work))?;
            ran(Command::new("sh").args(["-c", "tar -xzf *.tgz -C tree --strip-components=1"]).current_dir(&work))?;
        }
        "pypi" => {
            let mut download = Command::new("python3");
            download.args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", "."]);
            ran(download.arg(format!("{name}=={version}")).current_dir(&work))?;
            ran(Command::new("sh").args(["-c", "python3 -m zipfile -e *.whl tree"]).current_dir(&work))?;
        }
        _ => {
            let manifest = format!(
                "[package]\nname = \"room\"\nedition = \"2021\"\n[dependencies]\n{name} = \"={version}\"\n[workspace]\n"
            );
            std::fs::create_dir_all(work.join("src"))?;
            std::fs::write(work.join("src/lib.rs"), "")?;
            std::fs::write(work.join("Cargo.toml"), manifest)?;
            ran(Command::new(env!("CARGO")).args(["vendor", "--quiet", "vendor"]).current_dir(&work))?;
            std::fs::remove_dir(work.join("tree"))?;
            std::fs::rename(work.join("vendor").join(name), work.join("tree"))?;
        }
    }
    std::fs::create_dir_all(room.join(kind).join(name))?;
    std::fs::rename(work.join("tree"), &tree)?;
    Ok(tree)
}

fn ran(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("start {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?} ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Time for so many results over the trees that were fetched, each at some line of some file.
pub fn time(root: &Path, proofhouse: &Path, count: usize) -> Result<()> {
    let room = root.join("target/tools/symbols");
    let mut files = Vec::new();
    files_find(&room, &mut files)?;
    files.retain(|file| {
        file.extension().is_some_and(|ending| ["js", "py", "rs", "ts", "c", "h"].iter().any(|e| ending == *e))
    });
    files.sort();
    let mut lines = Vec::new();
    for file in &files {
        let text = std::fs::read(file)?;
        lines.push((
            file.strip_prefix(&room).unwrap_or(file).to_string_lossy().into_owned(),
            text.split(|b| *b == b'\n').count(),
        ));
    }
    let total: usize = lines.iter().map(|(_, count)| count).sum();
    let step = (total / count.max(1)).max(1);
    let places = lines
        .iter()
        .flat_map(|(path, count)| (0..*count).step_by(step).map(move |line| (path.clone(), line as u32 + 1, "code")));
    let found: Vec<Found> = places.take(count).collect();
    let report = room.join("many.sarif");
    std::fs::write(&report, sarif("many", &found))?;
    for source in [None, Some(&room)] {
        let mut triage = Command::new(proofhouse);
        triage
            .arg("triage")
            .arg(&report)
            .arg("--json")
            .args(source.iter().flat_map(|room| [Path::new("--source"), room]));
        let begin = Instant::now();
        let output = triage.output().context("start proofhouse triage")?;
        let seconds = begin.elapsed().as_secs_f64();
        let report: Value = serde_json::from_slice(&output.stdout).context("read what triage printed")?;
        let known =
            report["places"].as_array().into_iter().flatten().filter(|place| place["symbol_from"].is_string()).count();
        let what = if source.is_some() { "with their trees" } else { "lines only" };
        println!(
            "{} results in {} files ({total} lines), {what}: {known} symbols known, {seconds:.2} s",
            found.len(),
            files.len()
        );
    }
    Ok(())
}
