//! Documents of every format that is taken, good and hostile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod any_bytes;
mod documents;
mod facts;
mod limits;
mod mails;
mod zips;

use std::path::{Path, PathBuf};

use intake::{Document, Given, Refused};

/// The folder of samples.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

pub fn sample(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

pub fn read(bytes: &[u8]) -> Result<Document, Refused> {
    intake::read(bytes, &Given::default())
}
