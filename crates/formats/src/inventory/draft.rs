//! An inventory while it is read: keeps the limits on components and warnings, and makes a component of what a lock file says
//! of a package. Knows no format.

use super::{COMPONENTS_COUNT_MAX, Component, Inventory, PackageVersion, Unmatchable, is_plain};
use crate::purl::purl_of;
use crate::{Unreadable, Warning};

/// Warnings that are kept of one document; the last of them counts the others.
pub const WARNINGS_COUNT_MAX: usize = 1_000;
/// The longest place in a document that is kept, in characters.
const PATH_CHARS_MAX: usize = 4096;
/// As much of an entry that cannot be read as is shown, in characters.
const SHOWN_CHARS_MAX: usize = 120;

/// What every reader answers with.
pub(crate) type Answer = Result<(Inventory, Vec<Warning>), Unreadable>;

/// An inventory that is being read.
pub(crate) struct Draft {
    what: &'static str,
    inventory: Inventory,
    warnings: Vec<Warning>,
    unsaid: usize,
}

impl Draft {
    /// Begins; `what` is the kind of document in refusals.
    pub(crate) fn new(what: &'static str, format: impl Into<String>) -> Self {
        let inventory = Inventory { format: format.into(), ..Inventory::default() };
        Draft { what, inventory, warnings: Vec::new(), unsaid: 0 }
    }

    /// Says what it is an inventory of.
    pub(crate) fn subject(&mut self, name: Option<&str>, version: Option<&str>) {
        let name = name.filter(|n| is_plain(n));
        self.inventory.subject = name.map(|name| match version.filter(|v| is_plain(v)) {
            Some(version) => format!("{name} {version}"),
            None => name.to_owned(),
        });
    }

    /// Makes room for so many components.
    pub(crate) fn reserve(&mut self, count: usize) {
        self.inventory.components.reserve(count.min(COMPONENTS_COUNT_MAX));
    }

    /// How many components there are.
    pub(crate) fn len(&self) -> usize {
        self.inventory.components.len()
    }

    /// Says no before a list of so many entries is made, where one is made before the components.
    pub(crate) fn room_check(&self, count: usize) -> Result<(), Unreadable> {
        if count >= COMPONENTS_COUNT_MAX {
            let entries = "components";
            return Err(Unreadable::TooMany { what: self.what, entries, count_max: COMPONENTS_COUNT_MAX });
        }
        Ok(())
    }

    /// Takes a component.
    pub(crate) fn push(&mut self, component: Component) -> Result<(), Unreadable> {
        self.room_check(self.inventory.components.len())?;
        self.inventory.components.push(component);
        Ok(())
    }

    /// Takes an entry that cannot be read: it keeps its place.
    pub(crate) fn push_malformed(&mut self, entry: &str, path: String) -> Result<(), Unreadable> {
        self.push(Component {
            name: shown(entry),
            version: None,
            purl: None,
            bom_ref: None,
            path,
            matchable: Err(Unmatchable::MalformedEntry),
        })
    }

    /// Warns.
    pub(crate) fn warn(&mut self, code: &'static str, at: impl Into<String>, text: impl Into<String>) {
        if self.warnings.len() < WARNINGS_COUNT_MAX - 1 {
            self.warnings.push(Warning::new(code, at, text));
        } else {
            self.unsaid += 1;
        }
    }

    /// What was read.
    pub(crate) fn done(mut self) -> (Inventory, Vec<Warning>) {
        if self.unsaid > 0 {
            let text = format!("{} more warnings are not shown", self.unsaid);
            self.warnings.push(Warning::new("more_warnings", "the document", text));
        }
        if self.inventory.components.is_empty() {
            self.warnings.push(Warning::new("no_components", "the document", "it has none"));
        }
        (self.inventory, self.warnings)
    }
}

/// A piece of a document that may be printed.
pub(crate) fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN_CHARS_MAX).collect()
}

/// What a lock file says of one package: `from` is the reason why it is not the registry's. What comes from elsewhere gets no
/// purl, since that would name the registry's package of the same name.
pub(crate) fn locked(
    ecosystem: &'static str,
    name: &str,
    version: Option<&str>,
    from: Option<Unmatchable>,
    path: impl Into<String>,
) -> Component {
    let plain = is_plain(name) && version.is_none_or(is_plain);
    let purl = if plain && from.is_none() { purl_of(ecosystem, name) } else { None };
    let matchable = match (from, version) {
        _ if !plain => Err(Unmatchable::MalformedText),
        (Some(reason), _) => Err(reason),
        (None, None) => Err(Unmatchable::NoVersion),
        (None, Some(version)) => {
            Ok(PackageVersion { ecosystem: ecosystem.into(), name: name.to_owned(), version: version.to_owned() })
        }
    };
    Component {
        name: if plain { name.to_owned() } else { shown(name) },
        version: version.filter(|_| plain).map(str::to_owned),
        purl,
        bom_ref: None,
        path: path_kept(path.into()),
        matchable,
    }
}

fn path_kept(path: String) -> String {
    // Most have far fewer bytes than that.
    if path.len() <= PATH_CHARS_MAX { path } else { path.chars().take(PATH_CHARS_MAX).collect() }
}
