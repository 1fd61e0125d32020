//! Source packages of Debian's archive through the machine's own apt: its sources, its mirrors, its keys; private lists.
//!
//! apt verifies signatures and digests; what it brings is checked again against the index. Must not change anything of
//! the system's, and must not unpack.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use crate::digest::Sha256Hex;
use crate::source::SourceError;

/// Age after which the lists are fetched again, in seconds.
pub const LISTS_AGE_S_MAX: u64 = 6 * 3_600;
/// Bytes of all files of one source package together.
pub const SOURCE_BYTES_MAX: u64 = 256 << 20;
/// Seconds after which apt gives up a connection.
const CONNECT_S_MAX: u32 = 20;
/// Where the machine's own sources are.
const SOURCES_FILE: &str = "/etc/apt/sources.list";
const SOURCES_FOLDER: &str = "/etc/apt/sources.list.d";

/// The machine's apt over private lists.
#[derive(Debug)]
pub struct Apt {
    root: PathBuf,
    /// apt locks its lists: one of us at a time asks for new ones.
    lists: Mutex<()>,
}

/// One version of a source package, as the index has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRecord {
    /// Its version.
    pub version: String,
    /// Its files: name, size in bytes, digest.
    pub files: Vec<(String, u64, Sha256Hex)>,
}

impl SourceRecord {
    /// The file that names all others by digest, and so the whole.
    #[must_use]
    pub fn control(&self) -> Option<&(String, u64, Sha256Hex)> {
        self.files.iter().find(|(name, ..)| name.ends_with(".dsc"))
    }
}

impl Apt {
    /// Private lists below `root`.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self { root, lists: Mutex::default() }
    }

    /// Every version of a source package in the machine's suites, ascending.
    ///
    /// # Errors
    /// Where there is no such package, or the archive cannot be asked.
    pub fn records(&self, name: &str) -> Result<Vec<SourceRecord>, SourceError> {
        self.lists_refresh()?;
        let output = self.run("apt-cache", &["showsrc", "--only-source", name])?;
        let mut records: Vec<SourceRecord> = Vec::new();
        for record in String::from_utf8_lossy(&output.stdout).split("\n\n").filter_map(|stanza| record(name, stanza)) {
            if !records.contains(&record) {
                records.push(record);
            }
        }
        if records.is_empty() {
            return Err(SourceError::NoSuchPackage { name: name.to_owned() });
        }
        records.sort_by(|a, b| order(&a.version, &b.version));
        Ok(records)
    }

    /// Brings all files of one version into the new folder `dest`, each with the digest the index has.
    ///
    /// # Errors
    /// Where the archive does not serve them, or serves other bytes.
    pub fn download(&self, name: &str, record: &SourceRecord, dest: &Path) -> Result<(), SourceError> {
        let version = &record.version;
        fs::create_dir_all(dest).map_err(store("make", dest))?;
        let asked = format!("{name}={version}");
        let output =
            self.run_in(dest, "apt-get", &["source", "--download-only", "--only-source", "--assume-yes", &asked])?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let (name, version) = (name.to_owned(), version.clone());
            return Err(match said.contains("404") {
                true => SourceError::NoTarball { name, version, status: 404 },
                false => SourceError::Unreachable { url: asked, why: last_line(&said) },
            });
        }
        for (file, _, wanted) in &record.files {
            let path = dest.join(file);
            let bytes = fs::read(&path).map_err(store("read", &path))?;
            let found = Sha256Hex::of(&bytes);
            if found != *wanted {
                return Err(SourceError::WrongDigest {
                    name: name.to_owned(),
                    version: version.clone(),
                    found: found.to_string(),
                    wanted: wanted.to_string(),
                });
            }
        }
        Ok(())
    }

    /// Lists that are young enough stay; where no new ones can be had, old ones do.
    fn lists_refresh(&self) -> Result<(), SourceError> {
        let held = self.lists.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let stamp = self.root.join("updated");
        let age = fs::metadata(&stamp).and_then(|about| about.modified()).ok();
        let age = age.and_then(|at| SystemTime::now().duration_since(at).ok());
        if age.is_some_and(|age| age < Duration::from_secs(LISTS_AGE_S_MAX)) {
            return Ok(());
        }
        for folder in ["parts", "state/lists/partial", "cache/archives/partial"] {
            let path = self.root.join(folder);
            fs::create_dir_all(&path).map_err(store("make", &path))?;
        }
        self.sources_write().map_err(store("write sources below", &self.root))?;
        let output = self.run("apt-get", &["update"])?;
        if output.status.success() {
            fs::write(&stamp, "").map_err(store("write", &stamp))?;
        } else if age.is_none() {
            let why = last_line(&String::from_utf8_lossy(&output.stderr));
            return Err(SourceError::Unreachable { url: "the archive's lists of sources".into(), why });
        }
        drop(held);
        Ok(())
    }

    /// The machine's own sources that are Debian's, asked for source packages instead of built ones.
    fn sources_write(&self) -> std::io::Result<()> {
        let plain = fs::read_to_string(SOURCES_FILE).unwrap_or_default();
        let mut lines: Vec<String> = plain.lines().filter_map(source_line).collect();
        let mut stanzas = Vec::new();
        for path in fs::read_dir(SOURCES_FOLDER).into_iter().flatten().flatten().map(|entry| entry.path()) {
            let text = fs::read_to_string(&path).unwrap_or_default();
            match path.extension().and_then(|ending| ending.to_str()) {
                Some("list") => lines.extend(text.lines().filter_map(source_line)),
                Some("sources") => stanzas.extend(paragraphs(&text).iter().filter_map(|text| source_stanza(text))),
                _ => {}
            }
        }
        lines.sort();
        lines.dedup();
        fs::write(self.root.join("sources.list"), lines.join("\n") + "\n")?;
        fs::write(self.root.join("parts/all.sources"), stanzas.join("\n\n") + "\n")
    }

    fn run(&self, program: &str, args: &[&str]) -> Result<Output, SourceError> {
        self.run_in(&self.root, program, args)
    }

    fn run_in(&self, folder: &Path, program: &str, args: &[&str]) -> Result<Output, SourceError> {
        let mut command = Command::new(program);
        let mut set = |key: &str, value: String| {
            command.arg("-o").arg(format!("{key}={value}"));
        };
        let below = |name: &str| self.root.join(name).display().to_string();
        set("Dir::Etc::sourcelist", below("sources.list"));
        set("Dir::Etc::sourceparts", below("parts"));
        set("Dir::State", below("state"));
        set("Dir::State::status", "/dev/null".into());
        set("Dir::Cache", below("cache"));
        // Our folders belong to whoever runs us; apt's own user could not write there.
        set("APT::Sandbox::User", "root".into());
        set("Acquire::Languages", "none".into());
        set("Acquire::http::Timeout", CONNECT_S_MAX.to_string());
        set("Acquire::Retries", "2".into());
        let ran = command.args(args).current_dir(folder).env("LC_ALL", "C").stdin(Stdio::null()).output();
        ran.map_err(|e| SourceError::Unreachable {
            url: program.to_owned(),
            why: format!("{e}: Debian source packages are fetched by the machine's own apt, which is not here"),
        })
    }
}

fn store(step: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> SourceError {
    let path = path.to_owned();
    move |source| SourceError::Store { step, path, source }
}

fn last_line(text: &str) -> String {
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").chars().take(300).collect()
}

/// Whether an address is that of a Debian archive or a mirror of one: other vendors' archives have no source packages of
/// that name.
fn is_debian(address: &str) -> bool {
    address.split("://").nth(1).is_some_and(|rest| rest.split('/').skip(1).any(|part| part.starts_with("debian")))
}

fn source_line(line: &str) -> Option<String> {
    let rest = line.trim().strip_prefix("deb ").or_else(|| line.trim().strip_prefix("deb-src "))?;
    rest.split_whitespace().any(is_debian).then(|| format!("deb-src {rest}"))
}

fn paragraphs(text: &str) -> Vec<String> {
    let shown: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    shown.join("\n").split("\n\n").map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
}

fn source_stanza(text: &str) -> Option<String> {
    if !text.split_whitespace().any(is_debian) {
        return None;
    }
    let line = |line: &str| match line.split_once(':') {
        Some((key, _)) if key.eq_ignore_ascii_case("types") => "Types: deb-src".to_owned(),
        _ => line.to_owned(),
    };
    Some(text.lines().map(line).collect::<Vec<_>>().join("\n"))
}

/// One stanza of the index; `None` where it is about another package or too large.
fn record(name: &str, stanza: &str) -> Option<SourceRecord> {
    let field = |key: &str| stanza.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
    if field("Package")? != name {
        return None;
    }
    let list = stanza.lines().skip_while(|line| !line.starts_with("Checksums-Sha256:")).skip(1);
    let files: Vec<_> = list
        .take_while(|line| line.starts_with(' '))
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (digest, size, file) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?, words.next()?);
            let plain = !file.starts_with('.') && !file.contains('/');
            plain.then(|| (file.to_owned(), size, digest))
        })
        .collect();
    let total = files.iter().map(|(_, size, _): &(String, u64, Sha256Hex)| *size).sum::<u64>();
    let found = SourceRecord { version: field("Version")?.to_owned(), files };
    (found.control().is_some() && total <= SOURCE_BYTES_MAX).then_some(found)
}

/// Debian's order of versions, as Debian's own program has it.
fn order(a: &str, b: &str) -> std::cmp::Ordering {
    let less = |a: &str, b: &str| {
        Command::new("dpkg").args(["--compare-versions", a, "lt", b]).status().is_ok_and(|status| status.success())
    };
    match (less(a, b), less(b, a)) {
        (true, _) => std::cmp::Ordering::Less,
        (_, true) => std::cmp::Ordering::Greater,
        _ => a.cmp(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_debians_sources_are_asked_and_for_sources() {
        assert_eq!(
            source_line("deb [a=b] http://m.example/debian stable main").unwrap(),
            "deb-src [a=b] http://m.example/debian stable main"
        );
        assert_eq!(source_line("deb http://m.example/apt stable main"), None);
        assert_eq!(source_line("# deb http://m.example/debian stable main"), None);
        let text = "Types: deb\n# c\nURIs: http://m.example/debian-security\nSuites: s\n\nTypes: deb\nURIs: http://o.example/apt\n";
        let found: Vec<_> = paragraphs(text).iter().filter_map(|text| source_stanza(text)).collect();
        assert_eq!(found, ["Types: deb-src\nURIs: http://m.example/debian-security\nSuites: s"]);
    }

    #[test]
    fn records_have_files_with_digests() {
        let digest = "0".repeat(64);
        let text = format!(
            "Package: a\nVersion: 1-2\nFiles:\n x 1 a.dsc\nChecksums-Sha256:\n {digest} 12 a_1-2.dsc\n {digest} 3 ../a.tar\nDirectory: p\n"
        );
        let found = record("a", &text).unwrap();
        assert_eq!((found.version.as_str(), found.files.len()), ("1-2", 1));
        assert_eq!(record("b", &text), None);
        assert_eq!(record("a", "Package: a\nVersion: 1\n"), None);
    }
}
