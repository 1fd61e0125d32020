//! Stacks reduced to what two proofs of one defect share: package, file within it, function; no lines, no versions.
//!
//! Also answers whose hands did a thing. Must not decide whether two proofs show the same defect: that is the work of
//! whoever compares them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::harness::report::Frame;

/// Most frames kept of one trace.
pub const TRACE_FRAMES_MAX: usize = 16;

/// Files of the runtime itself as Node.js before 16 names them, besides those below `internal/`.
const OLD_RUNTIME_FILES: [&str; 26] = [
    "_http_client.js",
    "_http_common.js",
    "_http_incoming.js",
    "_http_outgoing.js",
    "_http_server.js",
    "_stream_duplex.js",
    "_stream_readable.js",
    "_stream_transform.js",
    "_stream_writable.js",
    "async_hooks.js",
    "buffer.js",
    "child_process.js",
    "domain.js",
    "events.js",
    "fs.js",
    "http.js",
    "https.js",
    "module.js",
    "net.js",
    "path.js",
    "readline.js",
    "stream.js",
    "timers.js",
    "url.js",
    "vm.js",
    "zlib.js",
];

/// A frame of a package on the stack at the moment an oracle fired.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TraceFrame {
    /// The package, such as `lodash` or `@scope/name`.
    pub package: String,
    /// The file, relative to the package.
    pub file: String,
    /// The function, with its class where it has one; `<anonymous>` where it has no name.
    pub function: String,
}

impl fmt::Display for TraceFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}:{}", self.package, self.file, self.function)
    }
}

impl From<TraceFrame> for String {
    fn from(frame: TraceFrame) -> Self {
        frame.to_string()
    }
}

impl TryFrom<String> for TraceFrame {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (path, function) = text.rsplit_once(':').ok_or("a frame is written package/file:function")?;
        let (package, file) = package_split(path).ok_or("a frame is written package/file:function")?;
        Ok(Self { package: package.to_owned(), file: file.to_owned(), function: function.to_owned() })
    }
}

/// Whose code a frame is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A package below `node_modules`.
    Package(TraceFrame),
    /// The bundle's own files.
    Program,
    /// Text made into code by whoever the origin names, or by nobody known.
    Evaluated(Option<TraceFrame>),
    /// The runtime itself, or the harness.
    Runtime,
}

/// Whose code this frame is.
#[must_use]
pub fn owner_of(frame: &Frame) -> Owner {
    if let Some(origin) = &frame.origin {
        return match origin_file(origin) {
            Some(file) if file.starts_with("/app/proof/") => Owner::Program,
            Some(file) => Owner::Evaluated(package_frame(file, "<eval>")),
            None => Owner::Evaluated(None),
        };
    }
    let file = frame.file.strip_prefix("file://").unwrap_or(&frame.file);
    let old_style = file.starts_with("internal/") || OLD_RUNTIME_FILES.contains(&file);
    if file.is_empty() || file.starts_with("node:") || file.starts_with("/harness/") || old_style {
        return Owner::Runtime;
    }
    if file.starts_with("/app/proof/") {
        return Owner::Program;
    }
    match package_frame(file, &function_name(frame)) {
        Some(frame) => Owner::Package(frame),
        None => Owner::Evaluated(None),
    }
}

/// The package in whose hands something was done: that of the innermost frame that is not the runtime's. `None` where
/// that is the program itself, or nobody.
#[must_use]
pub fn done_by(frames: &[Frame]) -> Option<TraceFrame> {
    for frame in frames {
        match owner_of(frame) {
            // Text run by `vm` names no origin: the next real file below it ran it.
            Owner::Runtime | Owner::Evaluated(None) => {}
            Owner::Package(found) | Owner::Evaluated(Some(found)) => return Some(found),
            Owner::Program => return None,
        }
    }
    None
}

/// Whether the innermost code is text that was made into code by a package: the payload of code execution.
#[must_use]
pub fn evaluated_by(frames: &[Frame]) -> Option<TraceFrame> {
    let mut text = false;
    for frame in frames {
        match owner_of(frame) {
            Owner::Runtime => {}
            Owner::Evaluated(Some(found)) => return Some(found),
            Owner::Evaluated(None) => text = true,
            Owner::Package(found) => return text.then_some(found),
            Owner::Program => return None,
        }
    }
    None
}

/// Whether the innermost code is text that was made into code, by whomever.
#[must_use]
pub fn is_evaluated(frames: &[Frame]) -> bool {
    let innermost = frames.iter().find(|frame| frame.origin.is_some() || owner_of(frame) != Owner::Runtime);
    innermost.is_some_and(|frame| frame.origin.is_some() || matches!(owner_of(frame), Owner::Evaluated(_)))
}

/// The frames of packages on a stack, innermost first, neighbours that repeat (recursion) written once.
#[must_use]
pub fn trace_of(frames: &[Frame]) -> Vec<TraceFrame> {
    let mut out: Vec<TraceFrame> = Vec::new();
    for frame in frames {
        let (Owner::Package(found) | Owner::Evaluated(Some(found))) = owner_of(frame) else { continue };
        if out.last() != Some(&found) && out.len() < TRACE_FRAMES_MAX {
            out.push(found);
        }
    }
    out
}

/// A frame for a path below `/app/node_modules`, or below `/app/site`, where each Python package has its folder.
#[must_use]
pub fn package_frame(path: &str, function: &str) -> Option<TraceFrame> {
    let path = path.strip_prefix("file://").unwrap_or(path);
    let inner = match path.strip_prefix("/app/site/") {
        Some(below) => below,
        None => {
            let below = path.strip_prefix("/app/node_modules/")?;
            below.rsplit_once("/node_modules/").map_or(below, |(_, inner)| inner)
        }
    };
    let (package, file) = package_split(inner)?;
    let function = if function.is_empty() { "<anonymous>" } else { function };
    Some(TraceFrame { package: package.to_owned(), file: file.to_owned(), function: function.to_owned() })
}

fn package_split(path: &str) -> Option<(&str, &str)> {
    let skip = if path.starts_with('@') { path.find('/')? + 1 } else { 0 };
    let end = skip + path[skip..].find('/')?;
    Some((&path[..end], &path[end + 1..]))
}

fn function_name(frame: &Frame) -> String {
    let plain = frame.receiver.is_empty() || ["Object", "Function", "global"].contains(&frame.receiver.as_str());
    match (plain, frame.function.is_empty()) {
        (_, true) => String::new(),
        (true, false) => frame.function.clone(),
        (false, false) if frame.function.contains('.') => frame.function.clone(),
        (false, false) => format!("{}.{}", frame.receiver, frame.function),
    }
}

/// The file in `eval at f (eval at g (/app/x.js:1:2), <anonymous>:1:1)`. Text may name itself, but not with blanks, so
/// what begins with `eval at ` is the runtime's own word.
fn origin_file(origin: &str) -> Option<&str> {
    let origin = origin.strip_prefix("eval at ")?;
    let start = origin.rfind("(/").map(|at| at + 1).or_else(|| origin.rfind("(file:///").map(|at| at + 8))?;
    let rest = &origin[start..];
    let end = rest.find(')')?;
    let place = &rest[..end];
    // Cut `:line:column`.
    let place = place.rsplit_once(':').map_or(place, |(head, _)| head);
    Some(place.rsplit_once(':').map_or(place, |(head, _)| head))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(file: &str, function: &str) -> Frame {
        Frame { file: file.into(), function: function.into(), ..Frame::default() }
    }

    fn evaluated(origin: &str) -> Frame {
        Frame { origin: Some(origin.into()), ..Frame::default() }
    }

    #[test]
    fn frames_lose_lines_and_nesting() {
        let stack = [
            frame("", "forEach"),
            frame("/app/node_modules/a/node_modules/@s/b/lib/x.js", "set"),
            frame("/app/node_modules/a/node_modules/@s/b/lib/x.js", "set"),
            frame("node:internal/modules/cjs/loader", "load"),
            frame("/app/node_modules/a/i.js", ""),
            frame("/app/proof/poc.js", ""),
        ];
        let texts: Vec<String> = trace_of(&stack).iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["@s/b/lib/x.js:set", "a/i.js:<anonymous>"]);
        assert_eq!(done_by(&stack).unwrap().package, "@s/b");
        assert_eq!(done_by(&stack[3..]).unwrap().package, "a");
        assert_eq!(done_by(&stack[5..]), None);
        assert_eq!(TraceFrame::try_from(texts[0].clone()).unwrap().to_string(), texts[0]);
    }

    #[test]
    fn evaluated_text_belongs_to_whoever_evaluated_it() {
        let by_package =
            evaluated("eval at <anonymous> (eval at compile (/app/node_modules/t/i.js:3:9), <anonymous>:1:1)");
        let by_program = evaluated("eval at <anonymous> (/app/proof/poc.js:1:1)");
        assert_eq!(evaluated_by(&[by_package]).unwrap().package, "t");
        assert_eq!(evaluated_by(&[by_program, frame("/app/node_modules/t/i.js", "f")]), None);
        let by_vm =
            [frame("evalmachine.<anonymous>", ""), frame("node:vm", "run"), frame("/app/node_modules/v/m.js", "go")];
        assert_eq!(evaluated_by(&by_vm).unwrap().package, "v");
        assert_eq!(evaluated_by(&[frame("/app/node_modules/v/m.js", "go")]), None);
        assert_eq!(evaluated_by(&[frame("evalmachine.<anonymous>", ""), frame("/app/proof/poc.js", "")]), None);
        assert_eq!(evaluated_by(&[evaluated("(/app/node_modules/t/i.js:1:1)")]), None);
    }
}
