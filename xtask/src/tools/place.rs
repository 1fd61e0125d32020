//! Puts a finished thing in its final place at once: built beside it under a temporary name with its pin inside, then
//! renamed. One installer at a time, by a lock on a file. It must never leave a half-written thing under the final name.

use anyhow::{Context as _, Result};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

const PIN_FILE: &str = ".pin";

/// Waits until no other installer works in `tools`; the lock ends with the returned file.
pub fn lock(tools: &Path) -> Result<fs::File> {
    let path = tools.join(".lock");
    let file = fs::File::create(&path).with_context(|| format!("create {}", path.display()))?;
    file.lock().with_context(|| format!("lock {}", path.display()))?;
    Ok(file)
}

/// Whether `path` holds what `pin` names.
pub fn is_there(path: &Path, pin: &str) -> bool {
    path.exists() && fs::read_to_string(pin_path(path)).is_ok_and(|text| text == pin)
}

/// Builds a folder by `fill` and gives it its final name, in place of what was there.
pub fn folder(into: &Path, pin: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let partial = beside(into, ".partial");
    remove_if_there(&partial)?;
    fs::create_dir(&partial).with_context(|| format!("make the folder {}", partial.display()))?;
    fs::set_permissions(&partial, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("set the mode of {}", partial.display()))?;
    fill(&partial)?;
    let pin_file = partial.join(PIN_FILE);
    fs::write(&pin_file, pin).with_context(|| format!("write {}", pin_file.display()))?;
    remove_if_there(into)?;
    fs::rename(&partial, into).with_context(|| format!("put {} in place", into.display()))
}

/// Writes a file under its final name, then the pin beside it.
pub fn file(into: &Path, pin: &str, content: &[u8]) -> Result<()> {
    let pin_file = pin_path(into);
    remove_if_there(&pin_file)?;
    for (path, bytes) in [(into, content), (pin_file.as_path(), pin.as_bytes())] {
        let partial = beside(path, ".partial");
        fs::write(&partial, bytes).with_context(|| format!("write {}", partial.display()))?;
        fs::rename(&partial, path).with_context(|| format!("put {} in place", path.display()))?;
    }
    Ok(())
}

/// In a folder, a file of its own; beside a file, its name with `.pin`.
fn pin_path(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(PIN_FILE) } else { beside(path, PIN_FILE) }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(suffix);
    PathBuf::from(name)
}

fn remove_if_there(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Err(_) => return Ok(()),
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    };
    removed.with_context(|| format!("remove {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_fill_leaves_nothing_under_the_final_name() {
        let tools = tempfile::tempdir().unwrap();
        let into = tools.path().join("thing");
        let failed = folder(&into, "pin-1", |partial| {
            fs::write(partial.join("half"), b"").unwrap();
            anyhow::bail!("broken off")
        });
        assert!(failed.is_err());
        assert!(!into.exists());
        folder(&into, "pin-1", |_| Ok(())).unwrap();
        assert!(is_there(&into, "pin-1"));
        assert!(!into.join("half").exists());
    }

    #[test]
    fn another_pin_is_installed_anew() {
        let tools = tempfile::tempdir().unwrap();
        let into = tools.path().join("schema.json");
        file(&into, "pin-1", b"1").unwrap();
        assert!(is_there(&into, "pin-1") && !is_there(&into, "pin-2"));
        file(&into, "pin-2", b"2").unwrap();
        assert!(is_there(&into, "pin-2"));
        assert_eq!(fs::read(&into).unwrap(), b"2");
    }
}
