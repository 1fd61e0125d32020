//! What the statement at a place says: its tokens without blanks and comments, as a number. Of a statement with a body only what
//! stands before the body counts, so that a change in there leaves it the same.

use tree_sitter::Node;
use triage::place::{self, Refusal};

use crate::lines::Range;
use crate::walk::Budget;

/// Tokens of one statement. A longer one, such as a table, is told by the tokens of the place's own lines.
const TOKENS_COUNT_MAX: usize = 256;

/// The number of the statement at the end of a chain of nodes.
pub fn hash(source: &[u8], chain: &[Node<'_>], range: Range, budget: &mut Budget) -> Result<u64, Refusal> {
    let begins =
        (1..chain.len()).rev().find(|at| chain.get(at - 1).is_some_and(|above| holds_statements(above.kind())));
    let statement = begins.and_then(|at| chain.get(at)).filter(|node| !several(source, node, range));
    if let Some(statement) = statement {
        let mut tokens =
            Tokens { range: statement.start_byte()..statement.end_byte(), bodies: false, found: Vec::new() };
        tokens.collect(*statement, budget)?;
        if tokens.found.len() <= TOKENS_COUNT_MAX {
            return Ok(tokens.hash(source));
        }
    }
    let covering = chain.iter().rev().find(|node| node.end_byte() >= range.end).or(chain.first());
    let mut tokens = Tokens { range: range.start..range.end, bodies: true, found: Vec::new() };
    if let Some(covering) = covering {
        tokens.collect(*covering, budget)?;
    }
    tokens.found.truncate(TOKENS_COUNT_MAX);
    Ok(tokens.hash(source))
}

/// A line with more on it than the statement that it begins with: which is meant is not known. What closes the statement's own
/// surroundings is not more, nor is a comment.
fn several(source: &[u8], statement: &Node<'_>, range: Range) -> bool {
    let rest = source.get(statement.end_byte()..range.end).unwrap_or_default();
    let closing = rest.iter().take_while(|byte| b" \t\r;,)}]".contains(byte)).count();
    let rest = rest.get(closing..).unwrap_or_default();
    range.whole_line && !rest.is_empty() && ![b"//".as_slice(), b"/*", b"#"].iter().any(|open| rest.starts_with(open))
}

/// Whether the children of such a node are statements or declarations.
fn holds_statements(kind: &str) -> bool {
    const NAMES: [&str; 23] = [
        "program",
        "source_file",
        "translation_unit",
        "compilation_unit",
        "module",
        "statement_list",
        "compound_statement",
        "declaration_list",
        "field_declaration_list",
        "enum_member_declaration_list",
        "accessor_list",
        "then",
        "else",
        "ensure",
        "begin",
        "do",
        "expression_case",
        "communication_case",
        "default_case",
        "switch_section",
        "switch_block_statement_group",
        "case_statement",
        "switch_case",
    ];
    NAMES.contains(&kind) || kind.ends_with("block") || kind.ends_with("_body") || kind == "switch_default"
}

struct Tokens {
    range: std::ops::Range<usize>,
    bodies: bool,
    found: Vec<std::ops::Range<usize>>,
}

impl Tokens {
    /// The leaves within the range, in order, until there is one too many.
    fn collect(&mut self, top: Node<'_>, budget: &mut Budget) -> Result<(), Refusal> {
        let mut cursor = top.walk();
        let mut depth = 0_usize;
        loop {
            let node = cursor.node();
            budget.take(1)?;
            let apart = node.end_byte() <= self.range.start || node.start_byte() >= self.range.end;
            let body = !self.bodies && depth > 0 && holds_statements(node.kind());
            let skipped = apart || body || node.kind().contains("comment");
            if !skipped && node.child_count() == 0 && node.end_byte() > node.start_byte() {
                self.found.push(node.byte_range());
            }
            if self.found.len() > TOKENS_COUNT_MAX {
                return Ok(());
            }
            if !skipped && cursor.goto_first_child() {
                depth += 1;
                continue;
            }
            while depth > 0 && !cursor.goto_next_sibling() {
                cursor.goto_parent();
                depth -= 1;
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn hash(&self, source: &[u8]) -> u64 {
        let token = |range: &std::ops::Range<usize>| source.get(range.clone()).unwrap_or_default().trim_ascii();
        place::tokens_hash(self.found.iter().map(token).filter(|token| !token.is_empty() && *token != b";"))
    }
}
