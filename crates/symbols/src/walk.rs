//! From a place down to the innermost node there, and the symbol on the way. Every step is counted: a hostile tree gets a refusal.

use tree_sitter::{Node, Tree, TreeCursor};
use triage::place::{self, Answer, Language, PlaceRead, Refusal};

use crate::lines::Range;
use crate::scope;
use crate::statement;

/// Nodes above one another that are gone through.
const LEVELS_COUNT_MAX: usize = 1_000;
/// Nodes that every file is given to look at, and those for each byte and each place.
const VISITS_COUNT_MIN: usize = 1_000_000;
const VISITS_PER_BYTE: usize = 8;
const VISITS_PER_PLACE: usize = 2_000;
/// Nodes of one line that are looked through for a function that is whole on it.
const LINE_VISITS_COUNT_MAX: usize = 400;

/// Nodes of one file that may still be looked at.
pub struct Budget(usize);

impl Budget {
    /// Of a file of so many bytes with so many places.
    pub fn of(bytes: usize, places: usize) -> Self {
        Budget(VISITS_COUNT_MIN + bytes * VISITS_PER_BYTE + places * VISITS_PER_PLACE)
    }

    /// Takes so many.
    pub fn take(&mut self, visits: usize) -> Result<(), Refusal> {
        self.0 = self.0.checked_sub(visits).ok_or(Refusal::Steps)?;
        Ok(())
    }
}

/// A parsed file.
pub struct Walk<'t> {
    pub language: Language,
    pub source: &'t [u8],
    pub tree: &'t Tree,
}

impl<'t> Walk<'t> {
    /// What is at a place.
    pub fn read(&self, range: Range, budget: &mut Budget) -> Answer {
        let (range, mut chain) = self.chain_behind_comments(range, budget)?;
        let statement = statement::hash(self.source, &chain, range, budget)?;
        if range.whole_line {
            self.line_function(&mut chain, range);
        }
        Ok(PlaceRead { symbol: self.symbol(&chain), statement })
    }

    /// A line that begins with a comment is about what follows it.
    fn chain_behind_comments(&self, mut range: Range, budget: &mut Budget) -> Result<(Range, Vec<Node<'t>>), Refusal> {
        loop {
            let chain = self.chain(range.start, budget)?;
            let comment = chain.last().filter(|node| range.whole_line && node.kind().contains("comment"));
            let Some(comment) = comment else { return Ok((range, chain)) };
            let blank = |at: &usize| self.source.get(*at).is_some_and(|byte| byte.is_ascii_whitespace());
            let Some(start) = (comment.end_byte()..range.end).find(|at| !blank(at)) else { return Ok((range, chain)) };
            range.start = start.max(range.start + 1);
        }
    }

    /// The nodes around a byte, from the whole file to the innermost.
    fn chain(&self, start: usize, budget: &mut Budget) -> Result<Vec<Node<'t>>, Refusal> {
        let mut cursor = self.tree.walk();
        let mut chain = vec![cursor.node()];
        loop {
            budget.take(1 + cursor.node().child_count() as usize / 8)?;
            if cursor.goto_first_child_for_byte(start).is_none() || cursor.node().start_byte() > start {
                return Ok(chain);
            }
            chain.push(cursor.node());
            if chain.len() > LEVELS_COUNT_MAX {
                return Err(Refusal::Deep);
            }
        }
    }

    fn symbol(&self, chain: &[Node<'t>]) -> String {
        let above = |at: usize| chain.get(..=at).unwrap_or_default();
        let part = |at: usize| scope::part(self.language, above(at), self.source).map(|part| (at, part));
        let mut parts: Vec<_> = (0..chain.len()).filter_map(part).collect();
        // A variable of a function is no place: an object has a name for the functions in it.
        let is_object = |at: usize| chain.get(at).is_some_and(|node| node.kind() == "object");
        while parts.last().is_some_and(|(at, _)| is_object(*at)) && parts.iter().any(|(_, part)| part.function) {
            parts.pop();
        }
        let mut symbol = String::new();
        for (_, part) in parts {
            let joint = if symbol.is_empty() { "" } else { part.joint };
            symbol = format!("{symbol}{joint}{}", part.name);
        }
        place::normal(&symbol)
    }

    /// Where only the line is known and one function is written on it, or begins on it and is no argument, that is meant. The chain
    /// then goes down to it.
    fn line_function(&self, chain: &mut Vec<Node<'t>>, range: Range) {
        let covering = chain.iter().rposition(|node| node.end_byte() >= range.end).unwrap_or_default();
        let Some(top) = chain.get(covering).copied() else { return };
        let mut path: Vec<Node<'t>> = chain.get(..=covering).unwrap_or_default().to_vec();
        let mut search = Search { range, visits: 0, found: Vec::new() };
        self.functions_find(&mut top.walk(), &mut path, false, &mut search);
        if search.visits <= LINE_VISITS_COUNT_MAX
            && let [found] = search.found.as_slice()
            && found.len() > chain.len().min(covering + 1)
            && !self.inside_function_begun_here(chain, range)
        {
            chain.clone_from(found);
        }
    }

    /// The place is already in a function that begins on its line.
    fn inside_function_begun_here(&self, chain: &[Node<'t>], range: Range) -> bool {
        (0..chain.len()).any(|at| {
            let above = chain.get(..=at).unwrap_or_default();
            chain.get(at).is_some_and(|node| node.start_byte() >= range.start)
                && scope::part(self.language, above, self.source).is_some_and(|part| part.function)
        })
    }

    fn functions_find(
        &self,
        cursor: &mut TreeCursor<'t>,
        path: &mut Vec<Node<'t>>,
        argument: bool,
        search: &mut Search<'t>,
    ) {
        if path.len() > LEVELS_COUNT_MAX || !cursor.goto_first_child() {
            return;
        }
        loop {
            let node = cursor.node();
            search.visits += 1;
            if search.visits > LINE_VISITS_COUNT_MAX || node.start_byte() >= search.range.end {
                break;
            }
            if node.end_byte() > search.range.start {
                path.push(node);
                let begins = node.start_byte() >= search.range.start;
                let whole = node.end_byte() <= search.range.end;
                let named = begins && scope::part(self.language, path, self.source).is_some_and(|part| part.function);
                if named && (whole || !argument) {
                    search.found.push(path.clone());
                } else {
                    self.functions_find(cursor, path, argument || node.kind().contains("argument"), search);
                }
                path.pop();
            }
            if !cursor.goto_next_sibling() {
                break;
            }
        }
        cursor.goto_parent();
    }
}

/// What is looked for on a line.
struct Search<'t> {
    range: Range,
    visits: usize,
    found: Vec<Vec<Node<'t>>>,
}
