//! From static results to the files that must be parsed for them, and back: what the parsers found becomes part of a result. What a
//! document says itself stands; where nothing is found, the reason does. Opens nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::item::{Item, Kind};
use super::turn;
use crate::place::{self, Answer, Language, NoSymbol, Origin, PLACES_COUNT_MAX, Place};

/// One file, and the places in it that are asked for.
#[derive(Clone, Debug)]
pub struct WantedFile {
    /// Which tree it is looked for in, as the caller numbers them.
    pub tree: usize,
    /// Its path, from the top of the tree.
    pub path: String,
    /// By its name.
    pub language: Language,
    /// Its text, where the document brings it along.
    pub artifact: Option<Arc<str>>,
    /// The places, one for each result.
    pub places: Vec<Place>,
    members: Vec<usize>,
}

/// The files that must be parsed, in order. Results of which a file or a place is not known, or its language is none that is parsed,
/// are told so now. `tree` gives the number of a result's tree.
pub fn wanted(items: &mut [Item], tree: impl Fn(&Item) -> usize) -> Vec<WantedFile> {
    let mut files: BTreeMap<(usize, usize, String), WantedFile> = BTreeMap::new();
    for (at, item) in items.iter_mut().enumerate().filter(|(_, item)| item.kind == Kind::Static) {
        let (Some(path), Some(place)) = (&item.path, item.place) else { continue };
        let Some(language) = Language::of_path(path) else {
            refuse(item, NoSymbol::Language);
            continue;
        };
        let text = item.artifact.as_ref().map_or(0, |text| text.as_ptr() as usize);
        let tree = tree(item);
        let file = files.entry((tree, text, path.clone())).or_insert_with(|| WantedFile {
            tree,
            path: path.clone(),
            language,
            artifact: item.artifact.clone(),
            places: Vec::new(),
            members: Vec::new(),
        });
        if file.places.len() == PLACES_COUNT_MAX {
            refuse(item, NoSymbol::TooMany);
            continue;
        }
        file.places.push(place);
        file.members.push(at);
    }
    let mut files: Vec<WantedFile> = files.into_values().collect();
    // Where a text lies in memory must not decide.
    files.sort_by(|x, y| (x.tree, &x.path, &x.artifact).cmp(&(y.tree, &y.path, &y.artifact)));
    files
}

/// Takes what was found in a file.
pub fn located(items: &mut [Item], file: &WantedFile, origin: Origin, found: Result<Vec<Answer>, NoSymbol>) {
    match found {
        Ok(answers) => {
            for (at, answer) in file.members.iter().zip(answers) {
                match (items.get_mut(*at), answer) {
                    (Some(item), Ok(read)) => {
                        symbol_put(item, &read.symbol, origin);
                        item.statement = Some(read.statement);
                    }
                    (Some(item), Err(refusal)) => refuse(item, NoSymbol::Parser(refusal)),
                    (None, _) => {}
                }
            }
        }
        Err(reason) => {
            for at in &file.members {
                if let Some(item) = items.get_mut(*at) {
                    refuse(item, reason);
                }
            }
        }
    }
}

/// Ends the looking: texts are let go, and results that read the same are numbered anew.
pub fn locate_end(items: &mut [Item]) {
    items.iter_mut().for_each(|item| item.artifact = None);
    turn::put(items);
}

fn symbol_put(item: &mut Item, symbol: &str, origin: Origin) {
    item.no_symbol = None;
    match item.symbols.first_mut() {
        // Of one function the fuller name says more.
        Some(said) if place::same(said, symbol) && symbol.len() > said.len() => symbol.clone_into(said),
        Some(_) => {}
        None => {
            item.symbols.extend(Some(symbol).filter(|symbol| !symbol.is_empty()).map(str::to_owned));
            item.placed = !item.symbols.is_empty();
            item.origin = Some(origin);
        }
    }
}

fn refuse(item: &mut Item, reason: NoSymbol) {
    if item.origin.is_none() {
        item.no_symbol = Some(reason);
    }
}
