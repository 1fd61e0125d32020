//! How a symbol is spelt. Tools and parsers write one function in many ways: `void ns::Box<T>::put(int)`, `pkg.(*Box[T]).Put`,
//! `com.example.Outer$Inner.run(Ljava/lang/String;)V`, `<Box as Store>::put`. The one place that makes them alike.

/// The longest symbol that is kept, in bytes.
const SYMBOL_BYTES_MAX: usize = 256;
/// The longest name that is looked at, in bytes.
const NAME_BYTES_MAX: usize = 4_096;
/// Words that stand before a name and are no part of it.
const BEFORE: [&str; 4] = ["exports", "module", "crate", "global"];

/// One part of a name, with what stands before it.
#[derive(Debug)]
struct Part<'n> {
    joint: &'n str,
    word: String,
}

/// A symbol without parameters, type arguments, return types and what only the compiler sees. Its parts stay joined as they were.
/// Empty where nothing is left that names it.
#[must_use]
pub fn normal(name: &str) -> String {
    let name = name.trim();
    let mut cut = name.len().min(NAME_BYTES_MAX);
    while !name.is_char_boundary(cut) {
        cut -= 1;
    }
    let parts = parts(&name[..cut]);
    let mut text = String::new();
    // The innermost part says most: where all is too long, the outer ones go.
    for part in parts.iter().rev() {
        let joint = if text.is_empty() { "" } else { joint_after(&parts, part) };
        if part.word.len() + joint.len() + text.len() > SYMBOL_BYTES_MAX {
            break;
        }
        text = format!("{}{joint}{text}", part.word);
    }
    text
}

/// The joint of the part that follows this one.
fn joint_after<'p>(parts: &'p [Part<'p>], part: &Part<'_>) -> &'p str {
    let at = parts.iter().position(|other| std::ptr::eq(other, part)).unwrap_or_default();
    parts.get(at + 1).map_or("", |next| next.joint)
}

/// Whether two symbols are one function's: where one says more of what it is in, the rest must agree.
#[must_use]
pub fn same(a: &str, b: &str) -> bool {
    let (a, b) = (parts(a), parts(b));
    let both = a.iter().rev().zip(b.iter().rev());
    !a.is_empty() && !b.is_empty() && both.into_iter().all(|(x, y)| x.word == y.word)
}

/// The parts of a name, outermost first.
fn parts(name: &str) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = Vec::new();
    let mut word = String::new();
    let mut joint = "";
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        if word == "operator" && !first.is_alphanumeric() && !first.is_whitespace() {
            // `operator<`, `operator()`, `operator->`: up to the parameters.
            let end = rest.get(1..).and_then(|after| after.find('(')).map_or(rest.len(), |at| at + 1);
            word.push_str(rest.get(..end).unwrap_or_default().trim());
            break;
        }
        let found = ["::", "->", ".", "#", "/", "\\"].into_iter().find(|joint| rest.starts_with(*joint));
        if let Some(found) = found {
            part_put(&mut parts, joint, &mut word);
            joint = if parts.is_empty() { "" } else { found };
            rest = rest.get(found.len()..).unwrap_or_default();
            continue;
        }
        match first {
            '(' => {
                // Go writes a method's receiver so; anything else begins the parameters.
                let (inside, after) = enclosed(rest, '(', ')');
                if !(word.is_empty() && after.starts_with('.')) {
                    break;
                }
                word.push_str(inside.trim_start_matches('*').split('[').next().unwrap_or_default());
                rest = after;
            }
            '<' => {
                let (inside, after) = enclosed(rest, '<', '>');
                if word.is_empty() {
                    word = implementor(inside);
                }
                rest = after;
            }
            '[' => rest = enclosed(rest, '[', ']').1,
            // `{closure#0}`: a compiler's own.
            '{' => rest = enclosed(rest, '{', '}').1,
            // A nested class of the JVM. A name may begin or end with the sign.
            '$' if !word.is_empty() && rest.get(1..).is_some_and(|after| after.starts_with(char::is_alphanumeric)) => {
                part_put(&mut parts, joint, &mut word);
                joint = if parts.is_empty() { "" } else { "." };
                rest = rest.get(1..).unwrap_or_default();
            }
            // What stood before was a return type, `impl`, `static`: no part of the name, nor are its own outer parts.
            blank if blank.is_whitespace() => {
                if word != "operator" {
                    parts.clear();
                    word.clear();
                    joint = "";
                }
                rest = rest.trim_start();
            }
            '*' | '&' if word.is_empty() => rest = rest.get(1..).unwrap_or_default(),
            other if other.is_control() => rest = rest.get(other.len_utf8()..).unwrap_or_default(),
            other => {
                word.push(other);
                rest = rest.get(other.len_utf8()..).unwrap_or_default();
            }
        }
    }
    part_put(&mut parts, joint, &mut word);
    tidied(parts)
}

/// The constructor of the JVM is called as its class; what stands before a name and is none goes.
fn tidied(mut parts: Vec<Part<'_>>) -> Vec<Part<'_>> {
    let outer = parts.len().checked_sub(2).and_then(|at| parts.get(at)).map(|part| part.word.clone());
    if let (Some(last), Some(outer)) = (parts.last_mut(), outer)
        && last.word == "<init>"
    {
        last.word = outer;
    }
    parts.retain(|part| !part.word.starts_with('<'));
    let last = parts.len().saturating_sub(1);
    let mut at = 0;
    parts.retain(|part| {
        at += 1;
        at > last || part.word != "this" && part.word != "self"
    });
    while parts.len() > 1 && parts.first().is_some_and(|part| BEFORE.contains(&part.word.as_str())) {
        parts.remove(0);
    }
    if let Some(first) = parts.first_mut() {
        first.joint = "";
    }
    parts
}

fn part_put<'n>(parts: &mut Vec<Part<'n>>, joint: &'n str, word: &mut String) {
    let taken = std::mem::take(word);
    let says = !taken.is_empty() && taken != "prototype" && !taken.bytes().all(|byte| byte.is_ascii_digit());
    if says {
        parts.push(Part { joint, word: taken });
    }
}

/// What is between the first bracket and its partner, and what comes after that. Without a partner, everything is inside.
fn enclosed(text: &str, open: char, close: char) -> (&str, &str) {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return (text.get(1..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
            }
        }
    }
    (text.get(1..).unwrap_or_default(), "")
}

/// Of `<Box<T> as Store>` the type: `Box`; of `<impl Store for Box>` too. What compilers make up, such as `<locals>`, is kept in its
/// brackets and goes later.
fn implementor(inside: &str) -> String {
    let one = inside.split(" as ").next().unwrap_or(inside);
    let kind = one.rsplit(" for ").next().unwrap_or(one).trim().trim_start_matches("impl ");
    if one.len() == inside.len() && !inside.contains(' ') {
        return format!("<{inside}>");
    }
    let kind = kind.split('<').next().unwrap_or(kind);
    kind.rsplit("::").next().unwrap_or(kind).trim_start_matches(['&', '*']).trim().to_owned()
}
