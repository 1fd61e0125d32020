//! The unpacking worker: reads the hostile archive on descriptor 3 inside the box and writes a plain stream of entries
//! to standard output, or one refusal to descriptor 4. Nothing it says is believed outside.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::rc::Rc;

use super::super::sys;
use super::name;
use super::order::{Refusal, UnpackOrder};
use super::stream::{End, Head, Kind};
use super::zip;
use super::{Format, UnpackLimits};

/// Bytes read and written at once.
pub(super) const BUFFER_BYTES: usize = 128 << 10;
/// The largest window of a zstd frame, as a power of two: what the format's own tools accept.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;
/// Bytes of headers and padding that an archive may have for each entry.
const OVERHEAD_PER_ENTRY_BYTES: u64 = 4_096;
/// Bytes of headers and padding that any archive may have.
const OVERHEAD_BYTES: u64 = 16 << 20;
/// Exit code after a refusal, which has been written.
const REFUSED_CODE: i32 = 10;

/// Unpacks and gives the exit code.
pub fn run(order: &UnpackOrder) -> i32 {
    let [archive, output, refusals] = [3, 1, 4].map(|number| File::from(sys::descriptor_take(number)));
    match unpack(order, archive, output) {
        Ok(()) => 0,
        Err(refusal) => {
            let words = postcard::to_stdvec(&refusal).unwrap_or_default();
            let _ = (&refusals).write_all(&words);
            REFUSED_CODE
        }
    }
}

fn unpack(order: &UnpackOrder, archive: File, output: File) -> Result<(), Refusal> {
    let mut out =
        Out { order, output: BufWriter::with_capacity(BUFFER_BYTES, output), entries: 0, bytes: 0, specials: 0 };
    if order.format == Format::Zip {
        return out.zip_write(&archive);
    }
    let packed = BufReader::with_capacity(BUFFER_BYTES, archive);
    let bytes_max = raw_bytes_max(&order.limits);
    let over = Rc::new(Cell::new(false));
    let plain = Bounded { inner: decoder(order.format, packed)?, left: bytes_max, over: over.clone() };
    let result = out.archive_write(plain);
    if over.get() {
        return Err(too_much("", bytes_max, "bytes of archive, headers included"));
    }
    result
}

/// Everything that may come out of the decompressor, entries that are left out included.
fn raw_bytes_max(limits: &UnpackLimits) -> u64 {
    let overhead = u64::from(limits.files).saturating_mul(OVERHEAD_PER_ENTRY_BYTES).saturating_add(OVERHEAD_BYTES);
    limits.total_bytes.saturating_add(overhead)
}

fn decoder(format: Format, packed: impl BufRead + 'static) -> Result<Box<dyn Read>, Refusal> {
    Ok(match format {
        // A zip archive is not one stream: it has its own reader.
        Format::Tar | Format::Zip => Box::new(packed),
        Format::TarGz => Box::new(flate2::bufread::MultiGzDecoder::new(packed)),
        Format::TarZst => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(packed).map_err(unreadable)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(unreadable)?;
            Box::new(decoder)
        }
    })
}

/// A reader that fails, and remembers that it did, past a number of bytes.
struct Bounded<R> {
    inner: R,
    left: u64,
    over: Rc<Cell<bool>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => {
                self.left = left;
                Ok(count)
            }
            None => {
                self.over.set(true);
                Err(io::Error::other("more bytes than allowed"))
            }
        }
    }
}

struct Out<'a> {
    order: &'a UnpackOrder,
    output: BufWriter<File>,
    entries: u32,
    bytes: u64,
    specials: u32,
}

impl Out<'_> {
    fn archive_write(&mut self, plain: impl Read) -> Result<(), Refusal> {
        let mut archive = tar::Archive::new(plain);
        for entry in archive.entries().map_err(unreadable)? {
            self.entry_write(entry.map_err(unreadable)?)?;
        }
        self.end_write()
    }

    fn zip_write(&mut self, archive: &File) -> Result<(), Refusal> {
        for entry in zip::entries(archive, &self.order.limits)? {
            let shown = shown(&entry.name);
            let kind = match entry.mode & 0o170_000 {
                0 | 0o040_000 | 0o100_000 if entry.name.ends_with(b"/") => Kind::Folder,
                0 | 0o100_000 if entry.mode & 0o100 == 0 => Kind::File,
                0 | 0o100_000 => Kind::Executable,
                _ => {
                    self.special_count(&shown)?;
                    continue;
                }
            };
            if kind == Kind::Folder && entry.size != 0 {
                return Err(refused(&shown, "it is a folder and has content"));
            }
            let Some(path) = name_clean(&entry.name, self.order).map_err(|why| refused(&shown, why))? else { continue };
            self.count(&shown, entry.size)?;
            let content = zip::content(archive, &entry)?;
            self.one_write(&shown, Head { kind, path, size: entry.size }, content)?;
        }
        self.end_write()
    }

    fn end_write(&mut self) -> Result<(), Refusal> {
        End { specials_left_out: self.specials }.write(&mut self.output).map_err(lost)?;
        self.output.flush().map_err(lost)
    }

    /// The whole content is read, so that what follows the stated size is seen.
    fn one_write(&mut self, shown: &str, head: Head, mut content: impl Read) -> Result<(), Refusal> {
        head.write(&mut self.output).map_err(lost)?;
        let copied = io::copy(&mut content, &mut self.output).map_err(unreadable)?;
        if copied != head.size {
            return Err(Refusal::Unreadable { why: format!("it ends inside entry {shown:?}") });
        }
        Ok(())
    }

    fn special_count(&mut self, shown: &str) -> Result<(), Refusal> {
        if self.order.refuse_specials {
            return Err(refused(shown, "it is a link, a device or of another special kind"));
        }
        self.specials = self.specials.saturating_add(1);
        Ok(())
    }

    fn entry_write<R: Read>(&mut self, mut entry: tar::Entry<'_, R>) -> Result<(), Refusal> {
        use tar::EntryType;
        let raw = entry.path_bytes().into_owned();
        let shown = shown(&raw);
        let kind = match entry.header().entry_type() {
            EntryType::XGlobalHeader | EntryType::XHeader => return Ok(()),
            EntryType::Directory => Kind::Folder,
            // Archives older than POSIX mark folders by their name alone.
            EntryType::Regular | EntryType::Continuous if raw.ends_with(b"/") => Kind::Folder,
            EntryType::Regular | EntryType::Continuous => {
                let mode = entry.header().mode().unwrap_or(0o644);
                if mode & 0o100 == 0 { Kind::File } else { Kind::Executable }
            }
            _ => return self.special_count(&shown),
        };
        let Some(path) = name_clean(&raw, self.order).map_err(|why| refused(&shown, why))? else { return Ok(()) };
        let size = if kind == Kind::Folder { 0 } else { entry.size() };
        self.count(&shown, size)?;
        self.one_write(&shown, Head { kind, path, size }, entry.by_ref().take(size))
    }

    fn count(&mut self, shown: &str, size: u64) -> Result<(), Refusal> {
        let limits = &self.order.limits;
        self.entries = self.entries.saturating_add(1);
        self.bytes = self.bytes.saturating_add(size);
        if self.entries > limits.files {
            return Err(too_much(shown, limits.files.into(), "files and folders"));
        }
        if size > limits.file_bytes {
            return Err(too_much(shown, limits.file_bytes, "bytes in one file"));
        }
        if self.bytes > limits.total_bytes {
            return Err(too_much(shown, limits.total_bytes, "bytes in all"));
        }
        Ok(())
    }
}

/// The name as it may be made, none where stripping leaves nothing, or why it may not.
fn name_clean(raw: &[u8], order: &UnpackOrder) -> Result<Option<String>, &'static str> {
    let text = std::str::from_utf8(raw).map_err(|_| "its name is not UTF-8")?;
    if text.starts_with('/') {
        return Err("its name is absolute");
    }
    let mut parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return Err("its name leaves the folder");
    }
    if order.strip && !parts.is_empty() {
        parts.remove(0);
    }
    if parts.is_empty() {
        return Ok(None);
    }
    let name = parts.join("/");
    if name.len() > order.limits.path_bytes as usize {
        return Err("its name is too long");
    }
    if parts.len() > order.limits.depth as usize {
        return Err("it lies too deep");
    }
    if !name::is_safe(&name) {
        return Err("its name has a NUL or too long a part");
    }
    Ok(Some(name))
}

/// The name for people: cut, and readable whatever it holds.
pub(super) fn shown(raw: &[u8]) -> String {
    const SHOWN_BYTES_MAX: usize = 200;
    String::from_utf8_lossy(raw.get(..raw.len().min(SHOWN_BYTES_MAX)).unwrap_or_default()).into_owned()
}

pub(super) fn refused(entry: &str, why: &str) -> Refusal {
    Refusal::Entry { entry: entry.to_owned(), why: why.to_owned() }
}

pub(super) fn too_much(entry: &str, bound: u64, unit: &str) -> Refusal {
    Refusal::TooMuch { entry: entry.to_owned(), bound, unit: unit.to_owned() }
}

pub(super) fn unreadable(error: io::Error) -> Refusal {
    Refusal::Unreadable { why: error.to_string() }
}

/// The receiver has hung up: it has its own reason.
fn lost(error: io::Error) -> Refusal {
    Refusal::Unreadable { why: format!("write the entries: {error}") }
}

#[cfg(test)]
mod tests {
    use super::super::Duplicates;
    use super::*;

    fn check(raw: &[u8], strip: bool, expected: Result<Option<&str>, &str>) {
        let limits = UnpackLimits { path_bytes: 300, depth: 3, ..UnpackLimits::default() };
        let order = UnpackOrder {
            format: Format::Tar,
            strip,
            duplicates: Duplicates::LastWins,
            refuse_specials: false,
            limits,
        };
        let clean = name_clean(raw, &order);
        assert_eq!(clean.as_ref().map(|name| name.as_deref()).map_err(|why| *why), expected, "{raw:?}");
    }

    #[test]
    fn names_are_cleaned_or_refused() {
        check(b"package/index.js", true, Ok(Some("index.js")));
        check(b"./package//lib/./a.js", true, Ok(Some("lib/a.js")));
        check(b"package/", true, Ok(None));
        check(b"a/b", false, Ok(Some("a/b")));
        check(b"/etc/passwd", false, Err("its name is absolute"));
        check(b"package/../../x", true, Err("its name leaves the folder"));
        check(b"../package/x", true, Err("its name leaves the folder"));
        check(b"a/\xff", false, Err("its name is not UTF-8"));
        check(b"a/b\0c", false, Err("its name has a NUL or too long a part"));
        check(b"a/b/c/d", false, Err("it lies too deep"));
        check(&[b'x'; 256], false, Err("its name has a NUL or too long a part"));
        check(&[b'x'; 301], false, Err("its name is too long"));
    }
}
