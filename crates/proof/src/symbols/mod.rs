//! The parsers of source code, run in boxes: which symbol encloses which place. Tree-sitter is C and the files are hostile, so
//! it is a program of its own, `proofhouse-symbols`, and only ever runs in a box. One box parses many files; a file that ends it costs
//! only its own symbols. Must not know reports.

mod tree;

use std::path::{Path, PathBuf};

use triage::place::{self, Answer, NoSymbol, Question};

use crate::sandbox::{BoxSpec, CopyOut, Limits, Mount, PlacedFile, Sandbox, SandboxError};

pub use tree::SourceTree;

/// Name of the program, which lies beside the one that runs.
const PROGRAM: &str = "proofhouse-symbols";
/// Variable that says where it lies otherwise.
pub const PROGRAM_VARIABLE: &str = "PROOFHOUSE_SYMBOLS";
/// Where the box sees it.
const PROGRAM_AT: &str = "/opt/proofhouse-symbols";
/// What one place takes at most, asked and answered, in bytes.
const PLACE_BYTES_MAX: usize = 288;
/// Files that are given to one box, in bytes of what is asked and may be answered.
const BATCH_BYTES_MAX: usize = 24 * 1024 * 1024;
/// CPU time of one box, in milliseconds.
const BATCH_CPU_MS_MAX: u64 = 60_000;
/// The same where a stranger asks.
const HURRIED_CPU_MS_MAX: u64 = 2_000;
/// Time of one box as the clock goes, for each of its CPU time.
const WALL_FACTOR: u64 = 5;
/// Memory of one box, in bytes: the largest file's tree, and what is asked.
const BATCH_MEMORY_BYTES_MAX: u64 = 1 << 30;
/// What is asked and what is answered, in bytes.
const BATCH_DISK_BYTES_MAX: u64 = 96 << 20;
/// Files of one call that may end a box.
const ENDED_COUNT_MAX: usize = 16;

/// What was found in one file: an answer for each place, or why there is none.
pub type FileSymbols = Result<Vec<Answer>, NoSymbol>;

/// Parses in boxes.
#[derive(Debug, Clone)]
pub struct SymbolFinder<'s> {
    sandbox: &'s Sandbox,
    program: PathBuf,
    cpu_ms_max: u64,
}

/// The program that parses: where [`PROGRAM_VARIABLE`] says, or beside the one that boxes are made with, the running one by default.
///
/// # Errors
/// One line that says where it was looked for.
pub fn program_find(init_exe: Option<&Path>) -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os(PROGRAM_VARIABLE) {
        let path = PathBuf::from(named);
        return if path.is_file() { Ok(path) } else { Err(format!("{PROGRAM_VARIABLE} names no file")) };
    }
    let running = || std::env::current_exe().map_err(|e| format!("find the running program: {e}"));
    let own = init_exe.map_or_else(running, |exe| Ok(exe.to_owned()))?;
    let beside = own.parent().unwrap_or(Path::new("/")).join(PROGRAM);
    if beside.is_file() {
        Ok(beside)
    } else {
        Err(format!("{PROGRAM} is not beside this program: build or install it too"))
    }
}

impl<'s> SymbolFinder<'s> {
    /// With the boxes of this sandbox.
    #[must_use]
    pub fn new(sandbox: &'s Sandbox, program: PathBuf) -> Self {
        SymbolFinder { sandbox, program, cpu_ms_max: BATCH_CPU_MS_MAX }
    }

    /// The same with two seconds of CPU for a box: what a file may cost is counted in steps, and a step can be long.
    #[must_use]
    pub fn hurried(self) -> Self {
        SymbolFinder { cpu_ms_max: HURRIED_CPU_MS_MAX, ..self }
    }

    /// Answers each question, in order. They are taken one by one, so that no more than one box's files are held at once.
    ///
    /// # Errors
    /// Only where no box can be made or the program cannot be started; whatever a file does is in its answer.
    pub fn find(&self, questions: impl IntoIterator<Item = Question>) -> Result<Vec<FileSymbols>, SandboxError> {
        let (mut found, mut batch, mut bytes, mut ended) = (Vec::new(), Vec::new(), 0, 0);
        for question in questions {
            let size = question.source.len() + question.places.len() * PLACE_BYTES_MAX;
            if bytes + size > BATCH_BYTES_MAX && !batch.is_empty() {
                self.batch(&batch, &mut found, &mut ended)?;
                batch.clear();
                bytes = 0;
            }
            bytes += size;
            batch.push(question);
        }
        self.batch(&batch, &mut found, &mut ended)?;
        Ok(found)
    }

    /// Answers one box's questions. Where a file ends the box, those after it are asked again in another; a file is blamed only
    /// where it was the first of its box, for before it may have used up what there is.
    fn batch(&self, batch: &[Question], found: &mut Vec<FileSymbols>, ended: &mut usize) -> Result<(), SandboxError> {
        let mut rest = batch;
        while !rest.is_empty() {
            if *ended >= ENDED_COUNT_MAX {
                found.extend(rest.iter().map(|_| Err(NoSymbol::EndedOften)));
                return Ok(());
            }
            let done = match self.run(rest)? {
                Some(answers) if !answers.is_empty() => {
                    let count = answers.len();
                    found.extend(answers.into_iter().map(|answer| answer.map_err(NoSymbol::Parser)));
                    count
                }
                nothing => {
                    *ended += 1;
                    found.push(Err(if nothing.is_some() { NoSymbol::Ended } else { NoSymbol::NoAnswer }));
                    1
                }
            };
            rest = rest.get(done..).unwrap_or_default();
        }
        Ok(())
    }

    /// The answers to as many of these as one box gave; none where what it gave is no answer.
    fn run(&self, batch: &[Question]) -> Result<Option<Vec<place::FileRead>>, SandboxError> {
        let mut bytes = Vec::new();
        for question in batch {
            place::question_write(&mut bytes, question.language, &question.source, &question.places);
        }
        let mut spec = BoxSpec::new([PROGRAM_AT]);
        spec.mounts.push(Mount { host: self.program.clone(), at: PROGRAM_AT.to_owned() });
        spec.files.push(PlacedFile { at: "/box/questions".to_owned(), bytes, mode: 0o444 });
        spec.copy_out = CopyOut::Files(vec!["answers".to_owned()]);
        spec.limits = Limits {
            cpu_ms: self.cpu_ms_max,
            wall_ms: self.cpu_ms_max * WALL_FACTOR,
            memory_bytes: BATCH_MEMORY_BYTES_MAX,
            disk_bytes: BATCH_DISK_BYTES_MAX,
            processes: 4,
            ..Limits::default()
        };
        let outcome = self.sandbox.run(&spec)?;
        let answers = outcome.file("answers").map_or(&[][..], |file| &file.bytes);
        let places: Vec<usize> = batch.iter().map(|question| question.places.len()).collect();
        let read = place::answers_read(answers, &places);
        if let Err(error) = &read {
            tracing::warn!(%error, "what the parser in the box wrote is no answer");
        }
        Ok(read.ok())
    }
}
