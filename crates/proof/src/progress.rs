//! What is going on, told to whoever asked. Must not print by itself.

use domain::proof::Verdict;

/// Listens to the engine. Called from several threads.
pub trait Progress: Sync {
    /// Something worth a line.
    fn note(&self, _line: &str) {}
    /// So many of so many packages are in the store.
    fn fetched(&self, _done: usize, _total: usize) {}
    /// A version has its verdict; so many of about so many are done.
    fn ran(&self, _version: &str, _verdict: Verdict, _done: usize, _total: usize) {}
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {}
