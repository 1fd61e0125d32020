//! Finds the enclosing symbols of static results: opens the trees that were named, and has the files parsed in boxes. Where that cannot
//! be had, says so in one line and leaves the results as their documents tell them. Must not parse anything itself.

use std::path::PathBuf;

use clap::Args;
use proof::sandbox::{Sandbox, SandboxConfig};
use proof::symbols::{SourceTree, SymbolFinder, program_find};
use triage::place::{NoSymbol, Origin, Question};
use triage::sort::{self, Item, WantedFile};

/// Trees of source code.
#[derive(Args, Default)]
pub struct Sources {
    /// The tree that the tool looked at, for every report or for one; may be given several times
    #[arg(long = "source", value_name = "[FILE=]DIR")]
    sources: Vec<String>,
}

/// Open trees.
pub struct Trees(Vec<Tree>);

struct Tree {
    /// The report whose tree it is; none for every other.
    report: Option<String>,
    tree: SourceTree,
}

impl Sources {
    /// Opens the trees. `reports` are the files as they were named.
    ///
    /// # Errors
    /// One line.
    pub fn open(&self, reports: &[PathBuf]) -> Result<Trees, String> {
        let mut trees = Vec::new();
        for text in &self.sources {
            // A folder's name may hold the sign too: only a report's name before it is taken for one.
            let named =
                text.split_once('=').filter(|(report, _)| reports.iter().any(|path| path.as_os_str() == *report));
            let (report, folder) =
                named.map_or((None, text.as_str()), |(report, folder)| (Some(report.to_owned()), folder));
            if trees.iter().any(|tree: &Tree| tree.report == report) {
                return Err(match report {
                    Some(report) => format!("--source names two trees for {report}"),
                    None => {
                        "--source names two trees for every report: write FILE=DIR, with FILE as it is given".to_owned()
                    }
                });
            }
            trees.push(Tree { report, tree: SourceTree::open(folder.as_ref())? });
        }
        Ok(Trees(trees))
    }
}

impl Trees {
    /// Whether no tree was named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of the tree of a report; one behind the last where it has none.
    fn number(&self, id: &str) -> usize {
        let of =
            |report: &str| id.strip_prefix(report).is_some_and(|rest| rest.is_empty() || rest.starts_with(['#', '!']));
        let own = self.0.iter().position(|tree| tree.report.as_deref().is_some_and(of));
        own.or_else(|| self.0.iter().position(|tree| tree.report.is_none())).unwrap_or(self.0.len())
    }

    /// Puts the symbols into the results. Gives a line where none can be found here.
    pub fn locate(&self, items: &mut [Item]) -> Option<String> {
        let mut files = sort::wanted(items, |item| self.number(&item.id));
        files.retain(|file| file.artifact.is_some() || file.tree < self.0.len());
        let missing = if files.is_empty() { None } else { self.files_locate(items, &files).err() };
        if missing.is_some() {
            for file in &files {
                sort::located(items, file, Origin::Source, Err(NoSymbol::NoBox));
            }
        }
        sort::locate_end(items);
        missing.map(|reason| format!("note: static results keep only the symbols that their documents give: {reason}"))
    }

    fn files_locate(&self, items: &mut [Item], files: &[WantedFile]) -> Result<(), String> {
        let program = program_find(None)?;
        let sandbox = Sandbox::new(SandboxConfig::default()).map_err(|e| e.to_string())?;
        let (mut asked, mut unread) = (Vec::new(), Vec::new());
        let questions = files.iter().filter_map(|file| match self.question(file) {
            Ok(question) => {
                asked.push(file);
                Some(question)
            }
            Err(reason) => {
                unread.push((file, reason));
                None
            }
        });
        let found = SymbolFinder::new(&sandbox, program).find(questions).map_err(|e| e.to_string())?;
        for (file, found) in asked.into_iter().zip(found) {
            let origin = if file.artifact.is_some() { Origin::Artifact } else { Origin::Source };
            sort::located(items, file, origin, found);
        }
        for (file, reason) in unread {
            sort::located(items, file, Origin::Source, Err(reason));
        }
        Ok(())
    }

    fn question(&self, file: &WantedFile) -> Result<Question, NoSymbol> {
        let source = match &file.artifact {
            Some(text) if text.len() > triage::place::FILE_BYTES_MAX => return Err(NoSymbol::TooLarge),
            // What the tool saw comes before what lies there now.
            Some(text) => text.as_bytes().to_vec(),
            None => self.0.get(file.tree).ok_or(NoSymbol::NoSource)?.tree.read(&file.path)?,
        };
        Ok(Question { language: file.language, source, places: file.places.clone() })
    }
}
