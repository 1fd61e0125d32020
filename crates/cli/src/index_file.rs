//! Index files on disk: opens what is needed of one, checked before use; writes one whole or not at all. Must not know what an
//! index holds.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use matching::{Hot, INDEX_BYTES_MAX, Index, Opening};
use signing::{PublicKey, Signer};

use crate::output::home_folder;

/// The largest PEM of a public key, in bytes.
const PUBLIC_KEY_BYTES_MAX: u64 = 16 * 1024;

/// An index of which only the deciding part was read.
pub struct IndexFile {
    /// The deciding part.
    pub hot: Hot,
    path: PathBuf,
    file: File,
    cold_at: (u64, u64),
}

impl IndexFile {
    /// Reads the deciding part, once `key`'s signature over it holds.
    pub fn open(path: &Path, key: &PublicKey) -> Result<Self, String> {
        let failed = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
        let mut file = File::open(path).map_err(|e| format!("read {}: {e}", path.display()))?;
        let mut start = part_read(path, &mut file, (0, 12))?;
        let wanted = Opening::bytes_wanted(&start).map_err(|e| failed(&e))? as u64;
        start.extend(part_read(path, &mut file, (12, wanted - 12))?);
        let opening = Opening::read(&start, key).map_err(|e| failed(&e))?;
        let cold_at = opening.cold_at();
        let hot = part_read(path, &mut file, opening.hot_at())?;
        let hot = Hot::open(opening, hot).map_err(|e| failed(&e))?;
        Ok(IndexFile { hot, path: path.to_owned(), file, cold_at })
    }

    /// Reads the explaining part too.
    pub fn whole(mut self) -> Result<Index, String> {
        let cold = part_read(&self.path, &mut self.file, self.cold_at)?;
        Index::open(self.hot, cold).map_err(|e| format!("{}: {e}", self.path.display()))
    }
}

fn part_read(path: &Path, file: &mut File, (at, length): (u64, u64)) -> Result<Vec<u8>, String> {
    let failed = |e: std::io::Error| format!("read {}: {e}", path.display());
    if length > INDEX_BYTES_MAX as u64 {
        return Err(format!("{}: larger than any index", path.display()));
    }
    file.seek(SeekFrom::Start(at)).map_err(failed)?;
    let held = file.metadata().map_err(failed)?.len().saturating_sub(at);
    // A file that says more than it holds gets no more memory than it holds.
    let mut bytes = Vec::with_capacity(usize::try_from(length.min(held)).unwrap_or_default());
    file.take(length).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// A whole file, at most as large as an index may be.
pub fn bytes_read(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |e: std::io::Error| format!("read {}: {e}", path.display());
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(INDEX_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > INDEX_BYTES_MAX {
        return Err(format!("{}: larger than any index", path.display()));
    }
    Ok(bytes)
}

/// Writes a file beside its place, under a name of its own, and moves it there: nobody reads half of one, however many write it.
pub fn bytes_write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = || {
        // Readable by others, as a file that is shipped.
        let mode = std::fs::Permissions::from_mode(0o644);
        let mut draft = tempfile::Builder::new().prefix(".proofhouse-draft-").permissions(mode).tempfile_in(folder)?;
        draft.write_all(bytes)?;
        draft.as_file().sync_all()?;
        draft.persist(path)?;
        File::open(folder)?.sync_all()
    };
    written().map_err(|e: std::io::Error| format!("write {}: {e}", path.display()))
}

fn own_key_path(home: Option<PathBuf>) -> Result<PathBuf, String> {
    Ok(home_folder(home)?.join("keys").join("index.pem"))
}

/// The key that signs: the one given, else this data folder's own, made when there is none.
pub fn signer(given: Option<&Path>, home: Option<PathBuf>) -> Result<Signer, String> {
    match given {
        Some(path) => Signer::open(path).map_err(|e| e.to_string()),
        None => Signer::open_or_create(&own_key_path(home)?).map_err(|e| e.to_string()),
    }
}

/// The key that must have signed: the one given, else this data folder's own.
pub fn public_key(given: Option<&Path>, home: Option<PathBuf>) -> Result<PublicKey, String> {
    let Some(path) = given else {
        return Ok(Signer::open(&own_key_path(home)?).map_err(|e| format!("{e}; give --index-key"))?.public());
    };
    let mut pem = String::new();
    let file = File::open(path).map_err(|e| format!("read {}: {e}", path.display()))?;
    file.take(PUBLIC_KEY_BYTES_MAX).read_to_string(&mut pem).map_err(|e| format!("read {}: {e}", path.display()))?;
    PublicKey::from_pem(&pem).map_err(|e| format!("{}: {e}", path.display()))
}
