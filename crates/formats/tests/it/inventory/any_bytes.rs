//! No bytes make a reader panic: every document that the tests have, changed in a few places.

use super::{bills, distributions, maven, mutate, others};

const SEED: u64 = 20_261_127;
const MUTANTS_COUNT: usize = 4_000;

fn documents() -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/inventory");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let written = [
        bills::CYCLONEDX_XML,
        bills::SPDX,
        bills::SPDX_TAGS,
        bills::SPDX_3,
        maven::POM,
        distributions::APK,
        distributions::RPM,
        distributions::DPKG,
        others::GEMFILE,
        others::COMPOSER,
        others::NUGET,
        others::GRADLE,
    ];
    let written = written.iter().map(|text| text.as_bytes().to_vec());
    paths.into_iter().map(|path| std::fs::read(path).unwrap()).chain(written).collect()
}

#[test]
fn changed_documents() {
    let documents = documents();
    let mut read = 0;
    for number in 0..MUTANTS_COUNT {
        let seed = SEED + number as u64;
        let bytes = mutate::mutant(&documents, &mut mutate::Numbers::new(seed));
        let outcome = std::panic::catch_unwind(|| formats::inventory::read(&bytes).is_ok());
        read += usize::from(outcome.unwrap_or_else(|_| panic!("seed {seed}: {}", String::from_utf8_lossy(&bytes))));
    }
    // Many of them are still read: the changes reach behind the first look.
    assert!(read > MUTANTS_COUNT / 5, "{read} of {MUTANTS_COUNT} read");
}

#[test]
fn every_document_is_told_and_read() {
    for document in documents() {
        let (inventory, _) = formats::inventory::read(&document).unwrap();
        assert!(!inventory.components.is_empty(), "{}", inventory.format);
    }
}
