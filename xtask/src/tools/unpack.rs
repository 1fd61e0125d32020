//! Archives, unpacked only after their digest was checked: gzipped tars, one member of a zip, and the list of links that some
//! npm packages carry because npm packs none. Nothing is written outside the given folder.

use anyhow::{Context as _, Result, bail, ensure};
use flate2::read::GzDecoder;
use serde::Deserialize;
use std::fs;
use std::io::{Cursor, Read as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};

/// A pinned archive unpacks to no more than this; Node's is 200 MiB.
const UNPACKED_BYTES_MAX: u64 = 600 << 20;
/// The one member read of a zip is a schema of 11 KiB.
const ZIP_MEMBER_BYTES_MAX: u64 = 8 << 20;

/// Unpacks the regular files of an npm tarball whose path, without the leading `package/`, `keep` maps to a path to write.
/// Every file becomes readable by everyone, whatever the umask, and executable where the archive says so.
pub fn tar_gz(bytes: &[u8], folder: &Path, keep: impl Fn(&str) -> Option<String>) -> Result<()> {
    let mut archive = tar::Archive::new(GzDecoder::new(bytes).take(UNPACKED_BYTES_MAX));
    let mut written_count = 0_usize;
    for entry in archive.entries().context("read the archive")? {
        let mut entry = entry.context("read an entry of the archive")?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path().context("read an entry's path")?.into_owned();
        let Some(inner) = inside_first_folder(&path)? else { continue };
        let Some(wanted) = keep(&inner) else { continue };
        let executable = entry.header().mode().context("read an entry's mode")? & 0o111 != 0;
        let wanted = relative(Path::new(&wanted))?;
        make_folders(folder, wanted)?;
        write_new(&folder.join(wanted), |file| std::io::copy(&mut entry, file).map(drop), executable)?;
        written_count += 1;
    }
    ensure!(written_count > 0, "the archive held nothing that was wanted");
    Ok(())
}

/// One member of a zip archive.
pub fn zip_member(bytes: &[u8], name: &str) -> Result<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).context("read the zip archive")?;
    let member = archive.by_name(name).with_context(|| format!("find {name} in the zip archive"))?;
    let mut content = Vec::new();
    member.take(ZIP_MEMBER_BYTES_MAX).read_to_end(&mut content).with_context(|| format!("unpack {name}"))?;
    Ok(content)
}

#[derive(Deserialize)]
struct Link {
    /// The file that is there.
    source: String,
    /// The link to make.
    target: String,
}

/// Makes the symbolic links listed in `folder/list`, whose paths all begin with `prefix`, and removes the list.
pub fn links_from_list(folder: &Path, list: &str, prefix: &str) -> Result<()> {
    let list = folder.join(list);
    let text = fs::read(&list).with_context(|| format!("read {}", list.display()))?;
    let links: Vec<Link> = serde_json::from_slice(&text).with_context(|| format!("read {}", list.display()))?;
    for link in links {
        let (Some(source), Some(target)) = (link.source.strip_prefix(prefix), link.target.strip_prefix(prefix)) else {
            bail!("{} lists a path outside {prefix}", list.display());
        };
        let (source, target) = (relative(Path::new(source))?, relative(Path::new(target))?);
        ensure!(source.parent() == target.parent(), "{} lists a link between folders", list.display());
        let (Some(name), at) = (source.file_name(), folder.join(target)) else { continue };
        symlink(name, &at).with_context(|| format!("link {}", at.display()))?;
    }
    fs::remove_file(&list).with_context(|| format!("remove {}", list.display()))
}

/// `package/bin/node` → `bin/node`; nothing for an entry that is in no folder.
fn inside_first_folder(path: &Path) -> Result<Option<String>> {
    let path = relative(path)?;
    let inner: PathBuf = path.components().skip(1).collect();
    if inner.as_os_str().is_empty() {
        return Ok(None);
    }
    inner.to_str().map(|text| Some(text.to_owned())).with_context(|| format!("{} is not UTF-8", path.display()))
}

/// The path again, when it stays below the folder it is joined to.
fn relative(path: &Path) -> Result<&Path> {
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    ensure!(plain, "the archive holds {}, which leaves its folder", path.display());
    Ok(path)
}

/// Makes the folders between `top` and the file `path` below it, open to everyone.
fn make_folders(top: &Path, path: &Path) -> Result<()> {
    let mut folder = top.to_path_buf();
    for part in path.parent().into_iter().flat_map(Path::components) {
        folder.push(part);
        if !folder.is_dir() {
            fs::create_dir(&folder).with_context(|| format!("make the folder {}", folder.display()))?;
            set_mode(&folder, 0o755)?;
        }
    }
    Ok(())
}

fn set_mode(path: &Path, mode: u32) -> Result<()> {
    let permissions = fs::Permissions::from_mode(mode);
    fs::set_permissions(path, permissions).with_context(|| format!("set the mode of {}", path.display()))
}

fn write_new(path: &Path, content: impl FnOnce(&mut fs::File) -> std::io::Result<()>, executable: bool) -> Result<()> {
    let mut file = fs::File::create_new(path).with_context(|| format!("create {}", path.display()))?;
    content(&mut file).with_context(|| format!("write {}", path.display()))?;
    let mode = if executable { 0o755 } else { 0o644 };
    file.set_permissions(fs::Permissions::from_mode(mode))
        .with_context(|| format!("set the mode of {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn tarball(entries: &[(&str, u32)]) -> Vec<u8> {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, mode) in entries {
            let mut header = tar::Header::new_gnu();
            let name = path.as_bytes();
            // Written into the header by hand: the library refuses to build hostile archives.
            header.as_old_mut().name[..name.len()].copy_from_slice(name);
            header.set_size(2);
            header.set_mode(*mode);
            header.set_cksum();
            archive.append(&header, &b"ok"[..]).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn only_wanted_files_are_written_with_their_modes() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = tarball(&[("package/bin/node", 0o700), ("package/include/x.h", 0o644)]);
        tar_gz(&bytes, folder.path(), |path| path.starts_with("bin/").then(|| path.to_owned())).unwrap();
        let mode = fs::metadata(folder.path().join("bin/node")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
        assert!(!folder.path().join("include").exists());
    }

    #[test]
    fn a_path_that_leaves_the_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for hostile in ["package/../../evil", "/etc/evil"] {
            let refused = tar_gz(&tarball(&[(hostile, 0o644)]), folder.path(), |path| Some(path.to_owned()));
            assert!(refused.is_err(), "{hostile}");
        }
    }

    #[test]
    fn listed_links_are_made_beside_their_source_only() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("lib")).unwrap();
        fs::write(folder.path().join("lib/liba.so.1"), b"a").unwrap();
        let list = folder.path().join("links.json");
        fs::write(&list, r#"[{"source":"native/lib/liba.so.1","target":"native/lib/liba.so"}]"#).unwrap();
        links_from_list(folder.path(), "links.json", "native/").unwrap();
        assert_eq!(fs::read(folder.path().join("lib/liba.so")).unwrap(), b"a");
        fs::write(&list, r#"[{"source":"native/lib/liba.so.1","target":"native/../evil"}]"#).unwrap();
        assert!(links_from_list(folder.path(), "links.json", "native/").is_err());
    }
}
