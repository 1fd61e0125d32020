//! A zip archive of documents: each is read for itself, nothing is ever written anywhere, and a name is only a label. Bounded in
//! entries, bytes, levels and ratio, whatever the archive says of itself.

use std::collections::HashSet;
use std::io::{Cursor, Read};

use zip::ZipArchive;

use crate::given::Given;
use crate::kind::Kind;
use crate::text::line;
use crate::{DOCUMENT_BYTES_MAX, Document, Left, Refused, read_within};

/// Entries of an archive, those of archives within counted.
pub const ZIP_ENTRIES_COUNT_MAX: usize = 2_000;
/// Bytes of all entries together, unpacked.
pub const ZIP_UNPACKED_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Archives within archives.
pub const ZIP_LEVELS_MAX: usize = 2;
/// An entry that unpacks to more than this many times its size, and to more than [`RATIO_BYTES_MIN`], is a bomb.
pub const ZIP_RATIO_COUNT_MAX: u64 = 200;
/// Small entries may be as dense as they like, in bytes.
const RATIO_BYTES_MIN: u64 = 1024 * 1024;
/// The longest name of an entry that is told, in bytes.
const NAME_BYTES_MAX: usize = 200;

pub fn read(bytes: &[u8], given: &Given, left: &mut Left) -> Result<Document, Refused> {
    let mut document = Document::new(Kind::Zip);
    each(bytes, left, &mut |at, content, left| match content {
        Ok(content) => entry_take(&mut document, at, &content, given, left),
        Err(reason) => document.leave_out(at, reason),
    })?;
    Ok(document)
}

/// What is done with an entry: its place, its content or why there is none, and what may still be read.
type Take<'t> = &'t mut dyn FnMut(&str, Result<Vec<u8>, String>, &mut Left);

/// Gives every entry that is no folder, by name: in which order they were packed changes nothing.
pub fn each(bytes: &[u8], left: &mut Left, take: Take<'_>) -> Result<(), Refused> {
    let unreadable = |reason: String| Refused::Unreadable { kind: Kind::Zip, reason };
    let Some(levels) = left.levels.checked_sub(1) else {
        return Err(unreadable(format!("archives lie deeper than {ZIP_LEVELS_MAX} levels in each other")));
    };
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| unreadable(line(&error.to_string(), 200)))?;
    if archive.len() > left.entries {
        return Err(unreadable(format!("it has more than {ZIP_ENTRIES_COUNT_MAX} entries")));
    }
    left.entries -= archive.len();
    let mut order: Vec<(String, usize)> = Vec::new();
    for index in 0..archive.len() {
        let raw = archive.by_index_raw(index).map_err(|error| unreadable(line(&error.to_string(), 200)))?;
        let name = raw.name().map(|name| line(&name, NAME_BYTES_MAX)).unwrap_or_else(|_| format!("entry {index}"));
        order.push((name, index));
    }
    order.sort();
    left.levels = levels;
    let mut names = HashSet::new();
    for (name, index) in order {
        let at = format!("!{name}");
        if !names.insert(name) {
            take(&at, Err("a second entry of that name".to_owned()), left);
        } else {
            match entry(&mut archive, index, bytes.len() as u64, left) {
                Ok(None) => {}
                Ok(Some(content)) => take(&at, Ok(content), left),
                Err(reason) => take(&at, Err(reason), left),
            }
        }
        if left.bytes == 0 {
            take("", Err(format!("what follows: more than {ZIP_UNPACKED_BYTES_MAX} bytes when unpacked")), left);
            break;
        }
    }
    left.levels += 1;
    Ok(())
}

/// The content of one entry; nothing for a folder.
fn entry(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    index: usize,
    archive_bytes: u64,
    left: &mut Left,
) -> Result<Option<Vec<u8>>, String> {
    let (encrypted, link) = {
        let raw = archive.by_index_raw(index).map_err(|error| line(&error.to_string(), 200))?;
        if raw.is_dir() {
            return Ok(None);
        }
        (raw.encrypted(), raw.is_symlink())
    };
    if encrypted {
        return Err("it is encrypted".to_owned());
    }
    if link {
        return Err("it is a link, no file".to_owned());
    }
    let file = archive.by_index(index).map_err(|error| line(&error.to_string(), 200))?;
    let packed = file.compressed_size().clamp(1, archive_bytes.max(1));
    // What the archive says of a size is not believed; the packed one is at most what is there.
    let most = left.bytes.min(DOCUMENT_BYTES_MAX as u64).min((packed * ZIP_RATIO_COUNT_MAX).max(RATIO_BYTES_MIN));
    let mut content = Vec::new();
    file.take(most + 1).read_to_end(&mut content).map_err(|error| line(&error.to_string(), 200))?;
    left.bytes = left.bytes.saturating_sub(content.len() as u64);
    if content.len() as u64 > most {
        return Err(format!(
            "it unpacks to more than {most} bytes, which is more than is read or {ZIP_RATIO_COUNT_MAX} times its size"
        ));
    }
    Ok(Some(content))
}

fn entry_take(document: &mut Document, at: &str, content: &[u8], given: &Given, left: &mut Left) {
    match read_within(content, given, left) {
        Ok(mut inner) => {
            inner.reports.iter_mut().for_each(|report| report.at = format!("{at}{}", report.at));
            document.reports.append(&mut inner.reports);
            for mut warning in inner.warnings {
                warning.at = format!("{at} {}", warning.at);
                document.warnings.push(warning);
            }
            for one in inner.left_out {
                document.leave_out(format!("{at}{}", one.at), one.reason);
            }
        }
        Err(refused) => document.leave_out(at, refused.to_string()),
    }
}
