//! The host's end of a folder that comes out of a box: takes the stream from pid 1, believes none of it, and lets the
//! folder appear when the run was a good one. The checks are those of an unpacked archive, with links.

use super::error::SandboxError;
use super::limits::{FOLDER_OUT_PATH_BYTES_MAX, TREE_DEPTH_MAX};
use super::outcome::FolderOutcome;
use super::spec::FolderOut;
use super::unpack::receive::{Receiver, Rules};
use super::unpack::{Duplicates, UnpackError, UnpackLimits};

/// A folder on its way.
pub struct Incoming {
    receiver: Option<Receiver>,
    refused: Option<UnpackError>,
    /// What pid 1 said instead.
    excuse: Option<String>,
}

impl Incoming {
    /// Makes room for it beside where it will appear.
    pub fn new(asked: &FolderOut) -> Result<Self, SandboxError> {
        let limits = UnpackLimits {
            files: asked.files_max,
            total_bytes: asked.bytes_max,
            file_bytes: asked.bytes_max,
            path_bytes: FOLDER_OUT_PATH_BYTES_MAX,
            // The last name of a path is no folder.
            depth: TREE_DEPTH_MAX + 1,
        };
        let rules = Rules { limits, duplicates: Duplicates::Refuse, links: true };
        let receiver = Receiver::new(rules, &asked.dest).map_err(|error| unwritten(error, asked))?;
        Ok(Self { receiver: Some(receiver), refused: None, excuse: None })
    }

    /// Takes the next bytes; after a refusal they are thrown away, so that the run's own end is still heard.
    pub fn take(&mut self, bytes: &[u8]) {
        if let Some(receiver) = &mut self.receiver
            && let Err(error) = receiver.take(bytes)
        {
            self.refused = Some(error);
            self.receiver = None;
        }
    }

    /// Takes the words of pid 1 for why there is no folder.
    pub fn excuse_take(&mut self, why: String) {
        self.receiver = None;
        self.excuse = Some(why);
    }

    /// Lets the folder appear, or says why not.
    pub fn finish(self, asked: &FolderOut, run_ok: bool) -> Result<FolderOutcome, SandboxError> {
        if !run_ok {
            return Ok(FolderOutcome::NotWritten("the run did not end well".into()));
        }
        if let Some(why) = self.excuse {
            return Ok(FolderOutcome::NotWritten(why));
        }
        let finished = match (self.refused, self.receiver) {
            (Some(error), _) => Err(error),
            (None, Some(receiver)) => receiver.finish(),
            (None, None) => Ok(None),
        };
        match finished {
            Ok(Some(report)) => Ok(FolderOutcome::Written(report)),
            Ok(None) => Ok(FolderOutcome::NotWritten("its stream ended early".into())),
            Err(error @ UnpackError::Write { .. }) => Err(unwritten(error, asked)),
            Err(error) => Ok(FolderOutcome::NotWritten(error.to_string())),
        }
    }
}

fn unwritten(error: UnpackError, asked: &FolderOut) -> SandboxError {
    match error {
        UnpackError::Write { path, source } => SandboxError::FolderOut { path, source },
        UnpackError::Sandbox(error) => error,
        other => SandboxError::FolderOut { path: asked.dest.clone(), source: std::io::Error::other(other.to_string()) },
    }
}
