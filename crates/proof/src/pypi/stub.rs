//! The inert stub of a Python package: whatever is asked of its modules is there and does nothing, so an oracle that
//! fires on it was fired by the program itself.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

/// A module that is every function, class and value at once, calls nothing back and changes nothing.
const MODULE: &str = r#"import importlib.machinery
import sys
import types


class Inert:
    def __call__(self, *args, **kwargs):
        return self

    def __getattr__(self, name):
        if name.startswith('__') and name.endswith('__'):
            raise AttributeError(name)
        return self

    def __mro_entries__(self, bases):
        return ()

    def __iter__(self):
        return iter(())

    def __enter__(self):
        return self

    def __exit__(self, *args):
        return False

    def __getitem__(self, key):
        return self

    def __setitem__(self, key, value):
        pass

    def __len__(self):
        return 0

    def __contains__(self, item):
        return False

    def __str__(self):
        return ''

    def __bool__(self):
        return False

    def __setattr__(self, name, value):
        pass


class Stub(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith('__') and name.endswith('__'):
            raise AttributeError(name)
        return Inert()


class Finder:
    def find_spec(self, name, path=None, target=None):
        if name.startswith(ROOT + '.'):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return Stub(spec.name)

    def exec_module(self, module):
        pass


ROOT = __name__
__all__ = []
__path__ = []
sys.meta_path.insert(0, Finder())
sys.modules[__name__].__class__ = Stub
"#;

/// Writes the stub of the package unpacked in `package` into the new folder `dest`.
///
/// # Errors
/// Whatever the disk says.
pub fn stub_write(package: &Path, dest: &Path) -> io::Result<()> {
    fs::create_dir_all(dest)?;
    for module in modules(package)? {
        fs::create_dir_all(dest.join(&module))?;
        fs::write(dest.join(&module).join("__init__.py"), MODULE)?;
    }
    // The metadata stay: a program that looks at them must not be able to tell.
    for entry in fs::read_dir(package)?.flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().ends_with(".dist-info") && entry.path().join("METADATA").is_file() {
            fs::create_dir_all(dest.join(&name))?;
            fs::copy(entry.path().join("METADATA"), dest.join(&name).join("METADATA"))?;
        }
    }
    Ok(())
}

/// The names by which a package can be imported.
fn modules(package: &Path) -> io::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(package)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            if name.ends_with(".data") {
                for lib in ["purelib", "platlib"].map(|lib| entry.path().join(lib)).iter().filter(|lib| lib.is_dir()) {
                    found.extend(modules(lib)?);
                }
            } else if !name.contains(['.', '-']) {
                found.insert(name);
            }
        } else if [".py", ".so"].iter().any(|ending| name.ends_with(ending)) {
            found.extend(name.split('.').next().map(ToOwned::to_owned));
        }
    }
    Ok(found)
}
