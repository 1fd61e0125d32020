//! The inert stub: what stands in for the target in the vacuous run. Whatever is asked of it, it is there and does
//! nothing; so an oracle that fires then was fired by the program itself.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::json;

/// A value that is every function, class and object at once, calls nothing back and changes nothing.
const INDEX: &str = r"'use strict';
const inert = new Proxy(function () {}, {
  get(_, key) {
    if (key === Symbol.toPrimitive) return () => '';
    if (key === Symbol.iterator) return function* () {};
    if (key === 'then' || key === Symbol.asyncIterator) return undefined;
    return inert;
  },
  set: () => true,
  has: () => true,
  deleteProperty: () => true,
  defineProperty: () => true,
  apply: () => inert,
  construct: () => inert,
});
module.exports = inert;
";

/// Writes the stub of a package into the new folder `dest`.
///
/// # Errors
/// Whatever the disk says.
pub fn stub_write(dest: &Path, name: &str, version: &str) -> io::Result<()> {
    fs::create_dir_all(dest)?;
    let about = json!({
        "name": name,
        // The version stays: a program that looks at it must not be able to tell.
        "version": version,
        "main": "./index.js",
        "exports": { ".": "./index.js", "./package.json": "./package.json", "./*": "./index.js" },
    });
    fs::write(dest.join("package.json"), about.to_string())?;
    fs::write(dest.join("index.js"), INDEX)
}
