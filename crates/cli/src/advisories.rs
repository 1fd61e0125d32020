//! Reads advisories from files, folders and archives, one record at a time, so that no more than one is in memory. Must not judge
//! them: an unreadable record is an error with its place, never left out.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use formats::osv::{self, RECORD_BYTES_MAX, Record};
use formats::{Unreadable, Warning, csaf};

/// The most bytes that are read from one file of advisories, after decompression.
const ADVISORIES_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// The most files that are read from one archive.
const ZIP_ENTRIES_COUNT_MAX: usize = 1_000_000;
/// Folders within folders that are looked into for advisories.
const FOLDER_LEVELS_MAX: usize = 8;

/// Takes records as they are read, each with who said it where its id does not tell, and gives what is odd about them.
pub type Take<'a> = &'a mut dyn FnMut(Record, &str) -> Vec<Warning>;

/// Reads a file, or every file of advisories under a folder, in the order of their names.
pub fn read(path: &Path, take: Take<'_>) -> Result<(), String> {
    path_read(path, FOLDER_LEVELS_MAX, take)
}

fn path_read(path: &Path, levels: usize, take: Take<'_>) -> Result<(), String> {
    if !path.is_dir() {
        return file_read(path, take);
    }
    let Some(levels) = levels.checked_sub(1) else {
        return Err(format!("{}: more than {FOLDER_LEVELS_MAX} folders within each other", path.display()));
    };
    let entries = fs::read_dir(path).map_err(|e| format!("read folder {}: {e}", path.display()))?;
    let mut inside = Vec::new();
    for entry in entries {
        inside.push(entry.map_err(|e| format!("read folder {}: {e}", path.display()))?.path());
    }
    inside.sort();
    for path in inside {
        if path.is_dir() || kind(&path).is_some() {
            path_read(&path, levels, take)?;
        }
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Record,
    Lines,
    Zip,
}

fn kind(path: &Path) -> Option<Kind> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let bare = name.strip_suffix(".zst").unwrap_or(name);
    match bare.rsplit_once('.').map(|(_, extension)| extension) {
        Some("json") => Some(Kind::Record),
        Some("jsonl") => Some(Kind::Lines),
        Some("zip") if bare == name => Some(Kind::Zip),
        _ => None,
    }
}

fn file_read(path: &Path, take: Take<'_>) -> Result<(), String> {
    let failed = |e: io::Error| format!("read {}: {e}", path.display());
    let file = File::open(path).map_err(failed)?;
    let kind = kind(path).unwrap_or(Kind::Record);
    if kind == Kind::Zip {
        return zip_read(path, file, take);
    }
    let plain: Box<dyn Read> = if path.extension().is_some_and(|extension| extension == "zst") {
        Box::new(zstd::Decoder::new(file).map_err(failed)?)
    } else {
        Box::new(file)
    };
    let mut plain = BufReader::with_capacity(1 << 16, plain.take(ADVISORIES_BYTES_MAX + 1));
    match kind {
        Kind::Lines => lines_read(path, &mut plain, take),
        _ => {
            let mut bytes = Vec::new();
            plain.take(RECORD_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
            record_take(&path.display().to_string(), &bytes, take)
        }
    }
}

/// One record a line; blank lines are skipped.
fn lines_read(path: &Path, lines: &mut impl BufRead, take: Take<'_>) -> Result<(), String> {
    let (mut line, mut read) = (Vec::new(), 0u64);
    for number in 1usize.. {
        line.clear();
        let place = || format!("{} line {number}", path.display());
        let limit = RECORD_BYTES_MAX as u64 + 2;
        let length =
            lines.by_ref().take(limit).read_until(b'\n', &mut line).map_err(|e| format!("read {}: {e}", place()))?;
        if length == 0 {
            break;
        }
        read += length as u64;
        if read > ADVISORIES_BYTES_MAX {
            return Err(format!("{}: more than {ADVISORIES_BYTES_MAX} bytes", path.display()));
        }
        if !line.iter().all(u8::is_ascii_whitespace) {
            record_take(&place(), &line, take)?;
        }
    }
    Ok(())
}

/// An archive as OSV serves one for each ecosystem: a record in each file.
fn zip_read(path: &Path, file: impl Read + Seek, take: Take<'_>) -> Result<(), String> {
    let failed = |e: zip::result::ZipError| format!("read {}: {e}", path.display());
    let mut archive = zip::ZipArchive::new(file).map_err(failed)?;
    if archive.len() > ZIP_ENTRIES_COUNT_MAX {
        return Err(format!("{}: more than {ZIP_ENTRIES_COUNT_MAX} files in it", path.display()));
    }
    let mut left = ADVISORIES_BYTES_MAX;
    let mut bytes = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(failed)?;
        let name = entry.name().map_err(failed)?.chars().filter(|c| !c.is_control()).take(200).collect::<String>();
        if entry.is_dir() || !name.ends_with(".json") {
            continue;
        }
        bytes.clear();
        // What the archive says of a size is not believed.
        let limit = left.min(RECORD_BYTES_MAX as u64) + 1;
        let place = format!("{} in {}", name, path.display());
        entry.take(limit).read_to_end(&mut bytes).map_err(|e| format!("read {place}: {e}"))?;
        left = left
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| format!("{}: more than {ADVISORIES_BYTES_MAX} bytes when unpacked", path.display()))?;
        record_take(&place, &bytes, take)?;
    }
    Ok(())
}

/// An OSV record, or the vulnerabilities of a CSAF document.
fn record_take(place: &str, bytes: &[u8], take: Take<'_>) -> Result<(), String> {
    let failed = |e: Unreadable| format!("{place}: {e}");
    if csaf::may_be_csaf(bytes)
        && let Some((advisories, warnings)) = csaf::read(bytes).map_err(failed)?
    {
        notes_print(place, "", &warnings);
        for record in advisories.records {
            let id = record.id.clone();
            notes_print(place, &id, &take(record, &advisories.said_by));
        }
        return Ok(());
    }
    let (record, mut warnings) = osv::read(bytes).map_err(failed)?;
    let id = record.id.clone();
    warnings.extend(take(record, ""));
    notes_print(place, &id, &warnings);
    Ok(())
}

fn notes_print(place: &str, id: &str, warnings: &[Warning]) {
    for warning in warnings {
        eprintln!("note: {place}: {id} {}: {}", warning.at, warning.text);
    }
}

/// Reads all of these into a builder.
pub fn build(paths: &[PathBuf], builder: &mut matching::Builder) -> Result<(), String> {
    for path in paths {
        read(path, &mut |record, said_by| builder.take_said(&record, said_by))?;
    }
    Ok(())
}
