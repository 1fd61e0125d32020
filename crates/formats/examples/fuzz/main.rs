//! The long form of the tests with changed bytes: every document in the folders that are named, changed for so many seconds each
//! from a seed, before every reader. A panic ends it; it prints the seed first, which gives the same bytes again.
//! `cargo xtask slow fuzz` runs it.

use std::path::Path;
use std::time::{Duration, Instant};

mod mutate;

/// A document that takes longer is named, in milliseconds.
const SLOW_MS_MIN: u128 = 1_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [seed, seconds, folders @ ..] = arguments.as_slice() else {
        eprintln!("use: fuzz SEED SECONDS FOLDER …");
        std::process::exit(2);
    };
    let (Ok(seed), Ok(seconds)) = (seed.parse::<u64>(), seconds.parse::<u64>()) else {
        eprintln!("SEED and SECONDS are whole numbers");
        std::process::exit(2);
    };
    let mut files = Vec::new();
    for folder in folders {
        let listed = std::fs::read_dir(folder).map(|all| all.filter_map(Result::ok).map(|entry| entry.path()));
        match listed {
            Ok(paths) => files.extend(paths.filter(|path| path.is_file())),
            Err(error) => {
                eprintln!("read the folder {folder}: {error}");
                std::process::exit(2);
            }
        }
    }
    files.sort();
    let documents: Vec<Vec<u8>> = files.iter().filter_map(|path| std::fs::read(path).ok()).collect();
    println!("seed {seed}, {} documents, {seconds} s each", documents.len());
    for (number, path) in files.iter().enumerate() {
        one(number, path, &documents, seed, Duration::from_secs(seconds));
    }
}

fn one(number: usize, path: &Path, documents: &[Vec<u8>], seed: u64, time: Duration) {
    let mut numbers = mutate::Numbers::new(seed.wrapping_add(number as u64));
    let (begun, mut count, mut read) = (Instant::now(), 0_u64, 0_u64);
    // Mostly this document, sometimes a piece of another.
    let mut own = vec![documents[number].clone(); 8];
    own.extend(documents.iter().cloned());
    while begun.elapsed() < time {
        let bytes = mutate::mutant(&own, &mut numbers);
        let started = Instant::now();
        read += u64::from(formats::inventory::read(&bytes).is_ok());
        let _ = formats::vex::read(&bytes);
        let took = started.elapsed().as_millis();
        if took >= SLOW_MS_MIN {
            println!("slow: {took} ms for {} bytes, number {count} of {}", bytes.len(), path.display());
        }
        count += 1;
    }
    println!("{}: {count} changed documents, {read} of them read", path.display());
}
