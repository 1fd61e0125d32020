//! The part of YAML in which lock files are written, into [`Node`]s: block and flow collections, plain and quoted scalars, block
//! scalars. Anchors, aliases, tags and directives are refused, so nothing multiplies. Plain numbers stay text: `1.10` is a version.
//! Knows no format.

use crate::Unreadable;
use crate::json::Node;
use crate::refusal::JSON_VALUES_COUNT_MAX;

/// Levels of collections that a YAML document may have.
pub(crate) const YAML_DEPTH_MAX: usize = 64;
/// Lines of one file.
const YAML_LINES_MAX: usize = 2_000_000;
/// Documents in one file.
const DOCUMENTS_COUNT_MAX: usize = 16;

/// Why it cannot be read: the line, and what is wrong there; or what there is too much of.
enum Fault {
    At(usize, &'static str),
    TooMany(&'static str, usize),
}

type Read<T> = Result<T, Fault>;

/// Reads every document of a file.
pub(crate) fn read(what: &'static str, text: &str) -> Result<Vec<Node>, Unreadable> {
    documents(text).map_err(|fault| match fault {
        Fault::At(line, reason) => Unreadable::Malformed {
            what,
            syntax: "YAML as lock files have it",
            reason: format!("line {line}: {reason}"),
        },
        Fault::TooMany(entries, count_max) => Unreadable::TooMany { what, entries, count_max },
    })
}

fn documents(text: &str) -> Read<Vec<Node>> {
    if text.lines().nth(YAML_LINES_MAX).is_some() {
        return Err(Fault::TooMany("lines", YAML_LINES_MAX));
    }
    let mut documents = Vec::new();
    let (mut lines, mut values) = (Vec::new(), 0);
    let mut take = |lines: &mut Vec<Line<'_>>, documents: &mut Vec<Node>| -> Read<()> {
        let mut reader = Reader { lines: std::mem::take(lines), at: 0, values };
        let node = reader.block(0, 0)?;
        reader.end()?;
        values = reader.values;
        if documents.len() == DOCUMENTS_COUNT_MAX {
            return Err(Fault::TooMany("documents", DOCUMENTS_COUNT_MAX));
        }
        documents.push(node);
        Ok(())
    };
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_end();
        if line == "---" {
            if lines.iter().any(|line: &Line<'_>| !line.is_empty()) {
                take(&mut lines, &mut documents)?;
            }
            lines.clear();
            continue;
        }
        let text = line.trim_start_matches(' ');
        lines.push(Line { number: index + 1, indent: line.len() - text.len(), text });
    }
    take(&mut lines, &mut documents)?;
    Ok(documents)
}

#[derive(Clone, Copy)]
struct Line<'a> {
    number: usize,
    indent: usize,
    text: &'a str,
}

impl Line<'_> {
    fn is_empty(&self) -> bool {
        self.text.is_empty() || self.text.starts_with('#')
    }

    fn is_item(&self) -> bool {
        self.text == "-" || self.text.starts_with("- ")
    }

    fn fault<T>(&self, reason: &'static str) -> Read<T> {
        Err(Fault::At(self.number, reason))
    }
}

struct Reader<'a> {
    lines: Vec<Line<'a>>,
    at: usize,
    values: usize,
}

impl<'a> Reader<'a> {
    /// The next line that says anything.
    fn peek(&mut self) -> Option<Line<'a>> {
        while self.lines.get(self.at).is_some_and(Line::is_empty) {
            self.at += 1;
        }
        self.lines.get(self.at).copied()
    }

    /// Puts what is left of a line in its place.
    fn put(&mut self, line: Line<'a>) {
        if let Some(slot) = self.lines.get_mut(self.at) {
            *slot = line;
        }
    }

    fn end(&mut self) -> Read<()> {
        self.peek().map_or(Ok(()), |line| line.fault("an indentation that nothing above has"))
    }

    fn count(&mut self) -> Read<()> {
        self.values += 1;
        if self.values > JSON_VALUES_COUNT_MAX {
            return Err(Fault::TooMany("YAML values", JSON_VALUES_COUNT_MAX));
        }
        Ok(())
    }

    fn block(&mut self, indent_min: usize, depth: usize) -> Read<Node> {
        let Some(line) = self.peek().filter(|line| line.indent >= indent_min) else { return Ok(Node::Null) };
        if depth >= YAML_DEPTH_MAX {
            return Err(Fault::TooMany("levels", YAML_DEPTH_MAX));
        }
        if line.is_item() {
            self.sequence(line.indent, depth)
        } else if line.text.starts_with("? ") || key_split(line)?.is_some() {
            self.mapping(line.indent, depth)
        } else {
            self.value(line, line.text, indent_min.saturating_sub(1), depth)
        }
    }

    fn sequence(&mut self, indent: usize, depth: usize) -> Read<Node> {
        let mut items = Vec::new();
        while let Some(line) = self.peek().filter(|line| line.indent == indent && line.is_item()) {
            self.count()?;
            let rest = line.text.get(1..).unwrap_or_default();
            let text = rest.trim_start_matches(' ');
            if text.is_empty() || text.starts_with('#') {
                self.at += 1;
                items.push(self.block(indent + 1, depth + 1)?);
            } else {
                // What stands behind the hyphen begins a block of its own, as far in as it stands.
                self.put(Line { number: line.number, indent: indent + 1 + rest.len() - text.len(), text });
                items.push(self.block(indent + 1, depth + 1)?);
            }
        }
        Ok(Node::Array(items))
    }

    fn mapping(&mut self, indent: usize, depth: usize) -> Read<Node> {
        let mut members = Vec::new();
        while let Some(line) = self.peek().filter(|line| line.indent == indent && !line.is_item()) {
            self.count()?;
            let (key, line, rest) = match line.text.strip_prefix("? ") {
                Some(long) => self.long_key(line, long)?,
                None => match key_split(line)? {
                    Some((key, rest)) => (key, line, rest),
                    None => return line.fault("neither a key with its value nor an item"),
                },
            };
            let value = self.member(line, rest, indent, depth)?;
            members.push((key, value));
        }
        Ok(Node::Object(members))
    }

    /// `? key`, and `: value` on the next line: how a key of more than 1,024 characters is written.
    fn long_key(&mut self, line: Line<'a>, text: &'a str) -> Read<(String, Line<'a>, &'a str)> {
        let key = scalar(line, text)?;
        self.at += 1;
        let next = self.peek().filter(|next| next.indent == line.indent);
        match next.and_then(|next| Some((next, next.text.strip_prefix(':')?))) {
            Some((next, rest)) => Ok((key, next, rest.trim_start())),
            None => line.fault("a key without a value"),
        }
    }

    fn member(&mut self, line: Line<'a>, rest: &'a str, indent: usize, depth: usize) -> Read<Node> {
        if !rest.is_empty() && !rest.starts_with('#') {
            return self.value(line, rest, indent, depth);
        }
        self.at += 1;
        match self.peek() {
            Some(next) if next.indent == indent && next.is_item() => self.sequence(indent, depth + 1),
            Some(next) if next.indent > indent => self.block(indent + 1, depth + 1),
            _ => Ok(Node::Null),
        }
    }

    /// A value that begins on this line; what goes on below lies deeper than `indent`.
    fn value(&mut self, line: Line<'a>, text: &'a str, indent: usize, depth: usize) -> Read<Node> {
        match text.as_bytes().first() {
            Some(b'|' | b'>') => self.block_scalar(line, text, indent),
            Some(b'{' | b'[') => self.flow(line, text, indent, depth),
            Some(b'"' | b'\'') => {
                self.at += 1;
                let (value, rest) = quoted(line, text)?;
                match rest.trim_start() {
                    "" => Ok(Node::String(value)),
                    rest if rest.starts_with('#') => Ok(Node::String(value)),
                    _ => line.fault("something behind a quoted text"),
                }
            }
            _ => {
                let mut whole = scalar(line, text)?;
                self.at += 1;
                let mut is_long = false;
                while let Some(next) = self.peek().filter(|next| next.indent > indent) {
                    if key_split(next)?.is_some() || next.is_item() {
                        return next.fault("a key or an item within a text");
                    }
                    whole.push(' ');
                    whole.push_str(next.text);
                    is_long = true;
                    self.at += 1;
                }
                Ok(if is_long { Node::String(whole) } else { plain(whole) })
            }
        }
    }

    fn block_scalar(&mut self, line: Line<'a>, header: &str, indent: usize) -> Read<Node> {
        let folded = header.starts_with('>');
        let mut own = None;
        for c in header.get(1..).unwrap_or_default().split(" #").next().unwrap_or_default().trim().chars() {
            match c {
                '+' | '-' => {}
                '1'..='9' => own = c.to_digit(10).map(|digit| indent + digit as usize),
                _ => return line.fault("a block text's indicator that is none"),
            }
        }
        self.at += 1;
        let mut text = String::new();
        while let Some(next) = self.lines.get(self.at).copied() {
            if !next.text.is_empty() {
                let inner = *own.get_or_insert(next.indent);
                if next.indent <= indent || next.indent < inner {
                    break;
                }
                text.extend(std::iter::repeat_n(' ', next.indent - inner));
            }
            text.push_str(next.text);
            text.push(if folded { ' ' } else { '\n' });
            self.at += 1;
        }
        Ok(Node::String(text.trim_end().to_owned()))
    }

    /// A flow collection, over as many lines as it takes.
    fn flow(&mut self, line: Line<'a>, text: &'a str, indent: usize, depth: usize) -> Read<Node> {
        self.at += 1;
        let mut flow = Flow { rest: text, line, reader: self, indent };
        let node = flow.node(depth)?;
        let rest = flow.rest.trim_start();
        if rest.is_empty() || rest.starts_with('#') {
            Ok(node)
        } else {
            line.fault("something behind a flow collection")
        }
    }
}

struct Flow<'r, 'a> {
    rest: &'a str,
    line: Line<'a>,
    reader: &'r mut Reader<'a>,
    indent: usize,
}

impl<'a> Flow<'_, 'a> {
    /// The next character that says anything, on this line or a later one.
    fn next(&mut self) -> Read<char> {
        loop {
            self.rest = self.rest.trim_start();
            match self.rest.chars().next() {
                Some(c) if c != '#' => return Ok(c),
                _ => match self.reader.peek().filter(|line| line.indent > self.indent) {
                    Some(line) => {
                        self.reader.at += 1;
                        (self.line, self.rest) = (line, line.text);
                    }
                    None => return self.line.fault("a flow collection that does not end"),
                },
            }
        }
    }

    fn skip(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    fn node(&mut self, depth: usize) -> Read<Node> {
        self.reader.count()?;
        if depth >= YAML_DEPTH_MAX {
            return Err(Fault::TooMany("levels", YAML_DEPTH_MAX));
        }
        match self.next()? {
            '[' => {
                self.skip();
                let mut items = Vec::new();
                while self.next()? != ']' {
                    items.push(self.node(depth + 1)?);
                    self.separator(']')?;
                }
                self.skip();
                Ok(Node::Array(items))
            }
            '{' => {
                self.skip();
                let mut members = Vec::new();
                while self.next()? != '}' {
                    members.push(self.pair(depth)?);
                    self.separator('}')?;
                }
                self.skip();
                Ok(Node::Object(members))
            }
            '"' | '\'' => {
                let (text, rest) = quoted(self.line, self.rest)?;
                self.rest = rest;
                Ok(Node::String(text))
            }
            _ => Ok(plain(self.plain()?)),
        }
    }

    fn pair(&mut self, depth: usize) -> Read<(String, Node)> {
        let key = match self.next()? {
            '"' | '\'' => {
                let (text, rest) = quoted(self.line, self.rest)?;
                self.rest = rest;
                text
            }
            _ => self.plain()?,
        };
        if self.next()? != ':' {
            return Ok((key, Node::Null));
        }
        self.skip();
        match self.next()? {
            ',' | '}' => Ok((key, Node::Null)),
            _ => Ok((key, self.node(depth + 1)?)),
        }
    }

    fn separator(&mut self, end: char) -> Read<()> {
        match self.next()? {
            ',' => {
                self.skip();
                Ok(())
            }
            c if c == end => Ok(()),
            _ => self.line.fault("a comma or the end of a flow collection is missing"),
        }
    }

    fn plain(&mut self) -> Read<String> {
        let bytes = self.rest.as_bytes();
        let ends = |at: usize| match bytes.get(at) {
            None | Some(b',' | b'[' | b']' | b'{' | b'}') => true,
            Some(b':') => matches!(bytes.get(at + 1), None | Some(b' ' | b',' | b'[' | b']' | b'{' | b'}')),
            Some(b'#') => at > 0 && bytes.get(at - 1) == Some(&b' '),
            Some(_) => false,
        };
        let end = (0..=bytes.len()).find(|at| ends(*at)).unwrap_or(bytes.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        if text.is_empty() { self.line.fault("a value is missing") } else { scalar(self.line, text.trim_end()) }
    }
}

/// A key and what stands behind its colon; `None` where the line has no key.
fn key_split(line: Line<'_>) -> Read<Option<(String, &str)>> {
    if line.text.starts_with('\t') {
        return line.fault("a tab in the indentation");
    }
    if line.text.starts_with(['"', '\'']) {
        let (key, rest) = quoted(line, line.text)?;
        let rest = rest.trim_start().strip_prefix(':');
        return Ok(rest.filter(|r| r.is_empty() || r.starts_with(' ')).map(|rest| (key, rest.trim_start())));
    }
    if line.text.starts_with(['{', '[', '|', '>']) {
        return Ok(None);
    }
    let colon = line.text.find(": ").or_else(|| line.text.len().checked_sub(1).filter(|_| line.text.ends_with(':')));
    let Some(at) = colon else { return Ok(None) };
    let (key, rest) = line.text.split_at(at);
    Ok(Some((scalar(line, key.trim_end())?, rest.get(1..).unwrap_or_default().trim_start())))
}

/// A plain text without the comment behind it, or a quoted one that is all there is.
fn scalar(line: Line<'_>, text: &str) -> Read<String> {
    match text.as_bytes().first() {
        Some(b'"' | b'\'') => {
            let (value, rest) = quoted(line, text)?;
            if rest.trim().is_empty() { Ok(value) } else { line.fault("something behind a quoted text") }
        }
        Some(b'&' | b'*' | b'!') => line.fault("an anchor, an alias or a tag: these are not read"),
        Some(b'%' | b'@' | b'`') => line.fault("a text that begins with a character that is YAML's own"),
        _ => Ok(text.split(" #").next().unwrap_or_default().trim_end().to_owned()),
    }
}

fn plain(text: String) -> Node {
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => Node::Null,
        "true" | "True" | "TRUE" => Node::Bool(true),
        "false" | "False" | "FALSE" => Node::Bool(false),
        _ => Node::String(text),
    }
}

/// A quoted text on one line, and what stands behind it.
fn quoted<'a>(line: Line<'_>, text: &'a str) -> Read<(String, &'a str)> {
    let mut chars = text.char_indices();
    let quote = chars.next().map_or('"', |(_, c)| c);
    let mut out = String::new();
    while let Some((at, c)) = chars.next() {
        let behind = text.get(at + c.len_utf8()..).unwrap_or_default();
        if c == quote && quote == '\'' && behind.starts_with('\'') {
            chars.next();
            out.push('\'');
        } else if c == quote {
            return Ok((out, behind));
        } else if c == '\\' && quote == '"' {
            let escape = chars.next().map_or(' ', |(_, c)| c);
            let digits = match escape {
                'x' => 2,
                'u' => 4,
                'U' => 8,
                _ => 0,
            };
            let hex: String = chars.by_ref().take(digits).map(|(_, c)| c).collect();
            match escaped(escape, &hex) {
                Some(c) => out.push(c),
                None => return line.fault("an escape that is none"),
            }
        } else {
            out.push(c);
        }
    }
    line.fault("a quoted text that does not end on its line")
}

fn escaped(escape: char, hex: &str) -> Option<char> {
    Some(match escape {
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        't' => '\t',
        'n' => '\n',
        'v' => '\u{b}',
        'f' => '\u{c}',
        'r' => '\r',
        'e' => '\u{1b}',
        ' ' | '"' | '/' | '\\' => escape,
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        'x' | 'u' | 'U' => char::from_u32(u32::from_str_radix(hex, 16).ok()?)?,
        _ => return None,
    })
}
