//! Reads zip archives inside the box: wheels, modules and jars. By the central directory, as the ecosystems' own tools
//! do, and strictly: where another reader could see another content, the archive is refused.
//!
//! Must not write anything: what an entry becomes is the worker's matter.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::UnpackLimits;
use super::order::Refusal;
use super::worker::{BUFFER_BYTES, refused, shown, too_much, unreadable};

/// Bytes of a central directory that are read at most.
const DIRECTORY_BYTES_MAX: u64 = 64 << 20;
const END_BYTES: usize = 22;
const CENTRAL_BYTES: usize = 46;
const LOCAL_BYTES: usize = 30;
/// The longest comment that an end record can have.
const COMMENT_BYTES_MAX: u64 = 0xffff;
const END_SIGNATURE: &[u8] = b"PK\x05\x06";
const CENTRAL_SIGNATURE: &[u8] = b"PK\x01\x02";
const LOCAL_SIGNATURE: &[u8] = b"PK\x03\x04";
/// The value that says that the real one stands elsewhere, in the extension for large archives.
const ELSEWHERE: u64 = 0xffff_ffff;
/// Bits of the general purpose flags: encrypted, sizes after the data, strong encryption, masked headers.
const FLAG_ENCRYPTED: u16 = 1 << 0;
const FLAG_SIZES_AFTER: u16 = 1 << 3;
const FLAG_STRONG: u16 = 1 << 6;
const FLAG_MASKED: u16 = 1 << 13;
const METHOD_STORED: u16 = 0;
const METHOD_DEFLATED: u16 = 8;

/// What the central directory says of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: Vec<u8>,
    /// Type and permissions as Unix has them; 0 where the archive does not say.
    pub mode: u32,
    pub size: u64,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    at: u64,
}

/// All entries, in the order in which they lie in the file, so that the data of none is another's too.
pub fn entries(file: &File, limits: &UnpackLimits) -> Result<Vec<Entry>, Refusal> {
    let length = file.metadata().map_err(unreadable)?.len();
    let (count, at, bytes) = directory(file, length)?;
    if count > u64::from(limits.files) {
        return Err(too_much("", limits.files.into(), "files and folders"));
    }
    if bytes > DIRECTORY_BYTES_MAX {
        return Err(too_much("", DIRECTORY_BYTES_MAX, "bytes of central directory"));
    }
    let mut raw = vec![0; usize::try_from(bytes).unwrap_or(usize::MAX)];
    file.read_exact_at(&mut raw, at).map_err(unreadable)?;
    let mut rest = raw.as_slice();
    let mut entries = Vec::new();
    for _ in 0..count {
        let (entry, after) = entry_read(rest)?;
        entries.push(entry);
        rest = after;
    }
    if !rest.is_empty() {
        return Err(broken("the central directory is longer than its entries"));
    }
    entries.sort_by_key(|entry| entry.at);
    let ends = entries.iter().skip(1).map(|next| next.at).chain([at]).collect::<Vec<_>>();
    for (entry, end) in entries.iter().zip(ends) {
        let header = LOCAL_BYTES as u64 + entry.name.len() as u64;
        if entry.at.saturating_add(header).saturating_add(entry.packed) > end {
            return Err(refused(&shown(&entry.name), "its data is another entry's too"));
        }
    }
    Ok(entries)
}

/// A reader of the entry's content that fails where it is not what the directory says.
pub fn content<'f>(file: &'f File, entry: &Entry) -> Result<impl Read + use<'f>, Refusal> {
    let name = shown(&entry.name);
    if entry.flags & (FLAG_ENCRYPTED | FLAG_STRONG | FLAG_MASKED) != 0 {
        return Err(refused(&name, "it is encrypted"));
    }
    let mut head = [0; LOCAL_BYTES];
    file.read_exact_at(&mut head, entry.at).map_err(unreadable)?;
    let (name_bytes, extra) = (u16_at(&head, 26), u16_at(&head, 28));
    let mut own = vec![0; usize::from(name_bytes)];
    file.read_exact_at(&mut own, entry.at.saturating_add(LOCAL_BYTES as u64)).map_err(unreadable)?;
    let same = head.starts_with(LOCAL_SIGNATURE) && own == entry.name && u16_at(&head, 8) == entry.method;
    let sizes = [(14, u64::from(entry.crc)), (18, entry.packed), (22, entry.size)];
    let stated = |(at, value): &(usize, u64)| [*value, ELSEWHERE].contains(&u64::from(u32_at(&head, *at)));
    if !same || (u16_at(&head, 6) & FLAG_SIZES_AFTER == 0 && !sizes.iter().all(stated)) {
        return Err(refused(&name, "its own header says otherwise than the central directory"));
    }
    let from = entry.at.saturating_add(LOCAL_BYTES as u64 + u64::from(name_bytes) + u64::from(extra));
    let packed = io::BufReader::with_capacity(BUFFER_BYTES, Span { file, at: from, left: entry.packed });
    let plain: Box<dyn Read + 'f> = match entry.method {
        METHOD_STORED if entry.packed == entry.size => Box::new(packed),
        METHOD_DEFLATED => Box::new(DeflateDecoder::new(packed)),
        METHOD_STORED => return Err(refused(&name, "it is stored and has two sizes")),
        _ => return Err(refused(&name, "it is packed by an unusual method")),
    };
    Ok(Checked { inner: plain, left: entry.size, crc: Crc::new(), wanted: entry.crc })
}

/// Entries, beginning and length of the central directory.
fn directory(file: &File, length: u64) -> Result<(u64, u64, u64), Refusal> {
    let tail = length.min(END_BYTES as u64 + COMMENT_BYTES_MAX);
    let mut raw = vec![0; usize::try_from(tail).unwrap_or_default()];
    file.read_exact_at(&mut raw, length - tail).map_err(unreadable)?;
    // Exactly one place at which an end record reaches to the end of the file: its comment can hold another's signature.
    let fits = |at: &usize| {
        let end = &raw[*at..];
        end.starts_with(END_SIGNATURE)
            && end.len() >= END_BYTES
            && END_BYTES + usize::from(u16_at(end, 20)) == end.len()
    };
    let mut places = (0..raw.len()).filter(fits);
    let place = places.next().ok_or_else(|| broken("it has no end record"))?;
    if places.next().is_some() {
        return Err(broken("it has two end records"));
    }
    let end = &raw[place..];
    let (disks, here, count) = (u32_at(end, 4), u16_at(end, 8), u16_at(end, 10));
    let (bytes, at) = (u64::from(u32_at(end, 12)), u64::from(u32_at(end, 16)));
    if disks != 0 || here != count {
        return Err(broken("it is a part of several"));
    }
    if count == u16::MAX || at == ELSEWHERE || bytes == ELSEWHERE {
        return Err(too_much("", u64::from(u16::MAX) - 1, "entries, or 4 GiB"));
    }
    if at.saturating_add(bytes) != length - tail + place as u64 {
        return Err(broken("something stands before the archive or inside it"));
    }
    Ok((count.into(), at, bytes))
}

fn entry_read(raw: &[u8]) -> Result<(Entry, &[u8]), Refusal> {
    let cut = || broken("the central directory ends early");
    let head = raw.get(..CENTRAL_BYTES).filter(|head| head.starts_with(CENTRAL_SIGNATURE)).ok_or_else(cut)?;
    let [name, extra, comment] = [28, 30, 32].map(|at| usize::from(u16_at(head, at)));
    let name_end = CENTRAL_BYTES + name;
    let entry = Entry {
        name: raw.get(CENTRAL_BYTES..name_end).ok_or_else(cut)?.to_vec(),
        mode: u32_at(head, 38) >> 16,
        size: u32_at(head, 24).into(),
        flags: u16_at(head, 8),
        method: u16_at(head, 10),
        crc: u32_at(head, 16),
        packed: u32_at(head, 20).into(),
        at: u32_at(head, 42).into(),
    };
    if [entry.size, entry.packed, entry.at].contains(&ELSEWHERE) {
        return Err(too_much(&shown(&entry.name), ELSEWHERE - 1, "bytes"));
    }
    Ok((entry, raw.get(name_end + extra + comment..).ok_or_else(cut)?))
}

/// A part of the archive.
struct Span<'f> {
    file: &'f File,
    at: u64,
    left: u64,
}

impl Read for Span<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.file.read_at(&mut buffer[..most], self.at)?;
        self.at = self.at.saturating_add(count as u64);
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}

/// Content that is exactly as long as stated and has the stated checksum.
struct Checked<R> {
    inner: R,
    left: u64,
    crc: Crc,
    wanted: u32,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.inner.read(buffer)?;
        let left = self.left.checked_sub(count as u64);
        self.left = left.ok_or_else(|| io::Error::other("an entry is longer than stated"))?;
        self.crc.update(&buffer[..count]);
        if count == 0 && (self.left > 0 || self.crc.sum() != self.wanted) {
            return Err(io::Error::other("an entry is shorter than stated or damaged"));
        }
        Ok(count)
    }
}

/// Callers have seen to it that the bytes are there.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|two| two.try_into().ok()).map_or(0, u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn broken(why: &str) -> Refusal {
    Refusal::Unreadable { why: why.to_owned() }
}
