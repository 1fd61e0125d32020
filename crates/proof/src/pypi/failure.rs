//! Why a Python run that should have ended well did not, in the words of a verdict. An exception is never taken for a
//! fix. Pure; must not decide between fired and silent.

use domain::proof::Reason;

use crate::failure::{Shortfall, line};
use crate::harness::report::{Failure, Frame};
use crate::trace::{Owner, owner_of};

/// What an uncaught exception says about the version.
#[must_use]
pub fn exception(failure: &Failure) -> Shortfall {
    let frames: Vec<Frame> = failure.stack.lines().map(frame).collect();
    let owners: Vec<Owner> = frames.iter().map(owner_of).collect();
    let innermost = owners.iter().find(|owner| **owner != Owner::Runtime && **owner != Owner::Evaluated(None));
    let of = |reason, what: &str| {
        let name = if failure.name.is_empty() { "exception" } else { &failure.name };
        Shortfall { reason, detail: format!("{what}: {name}: {}", line(&failure.message)) }
    };
    let in_program = !matches!(innermost, Some(Owner::Package(_) | Owner::Evaluated(Some(_))));
    let loading = owners.iter().any(|owner| matches!(owner, Owner::Package(found) if found.function == "<module>"));
    // The text of a package that this interpreter does not even read.
    if failure.name.ends_with("SyntaxError") || failure.name == "IndentationError" || failure.name == "TabError" {
        if failure.code.starts_with("/app/site/") {
            return of(Reason::RuntimeUnfit, "the package is not written for this interpreter");
        }
        return of(Reason::HarnessError, "the program is not valid Python");
    }
    if loading {
        let reason = if of_another_python(failure) { Reason::RuntimeUnfit } else { Reason::LoadFailed };
        return of(reason, "the package cannot be loaded");
    }
    match failure.name.as_str() {
        "ModuleNotFoundError" | "ImportError" if in_program => {
            let what = "the entry point does not exist in this version, or [dependencies] must add it";
            of(Reason::ApiAbsent, what)
        }
        "ModuleNotFoundError" => of(Reason::LoadFailed, "the package needs a module that is not there"),
        "AttributeError" if in_program => of(Reason::ApiAbsent, "the entry point does not exist in this version"),
        "TypeError" if in_program && is_absence(&failure.message) => {
            of(Reason::ApiAbsent, "the entry point does not exist in this version")
        }
        _ => match innermost {
            Some(Owner::Package(frame)) => of(Reason::HarnessError, &format!("uncaught exception in {frame}")),
            _ => of(Reason::HarnessError, "uncaught exception in the program"),
        },
    }
}

/// Signs that a package was written for an older Python: what it imports or reaches for was there once.
fn of_another_python(failure: &Failure) -> bool {
    const GONE_MODULES: [&str; 18] = [
        "urllib2",
        "urlparse",
        "ConfigParser",
        "cPickle",
        "StringIO",
        "cStringIO",
        "Queue",
        "HTMLParser",
        "httplib",
        "Cookie",
        "cookielib",
        "__builtin__",
        "commands",
        "imp",
        "distutils",
        "asyncore",
        "exceptions",
        "Tkinter",
    ];
    const GONE_NAMES: [&str; 6] = [
        "from 'collections'",
        "module 'collections' has no attribute",
        "has no attribute 'getargspec'",
        "name 'unicode' is not defined",
        "name 'basestring' is not defined",
        "name 'unichr' is not defined",
    ];
    let gone = failure.name == "ModuleNotFoundError" && GONE_MODULES.contains(&failure.code.as_str());
    gone || GONE_NAMES.iter().any(|sign| failure.message.contains(sign))
}

/// The program called something of the package in a way that this version does not have.
fn is_absence(message: &str) -> bool {
    const SIGNS: [&str; 4] =
        ["unexpected keyword argument", "positional argument", "'NoneType' object", "object is not callable"];
    SIGNS.iter().any(|sign| message.contains(sign))
}

fn frame(text: &str) -> Frame {
    let (file, function) = text.split_once('\t').unwrap_or((text, ""));
    let file = if file.starts_with("<frozen ") || file.starts_with("/runtime/") { "" } else { file };
    Frame { file: file.to_owned(), function: function.to_owned(), ..Frame::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, message: &str, code: &str, stack: &str, wanted: Reason) {
        let failure = Failure { name: name.into(), message: message.into(), code: code.into(), stack: stack.into() };
        let found = exception(&failure);
        assert_eq!(found.reason, wanted, "{message}: {}", found.detail);
    }

    #[test]
    fn exceptions_get_the_reason_they_show() {
        let poc = "/app/proof/poc.py\t<module>";
        check("AttributeError", "module 'yaml' has no attribute 'full_load'", "", poc, Reason::ApiAbsent);
        check("ModuleNotFoundError", "No module named 'yaml.x'", "yaml.x", poc, Reason::ApiAbsent);
        check("TypeError", "load() got an unexpected keyword argument 'x'", "", poc, Reason::ApiAbsent);
        check("ValueError", "no", "", poc, Reason::HarnessError);
        check("SyntaxError", "invalid syntax", "/app/site/a/a.py", poc, Reason::RuntimeUnfit);
        check("SyntaxError", "invalid syntax", "/app/proof/poc.py", "", Reason::HarnessError);
        let loading = "/runtime/lib/python3.11/x.py\tf\n/app/site/a/a.py\t<module>\n/app/proof/poc.py\t<module>";
        check("ValueError", "no", "", loading, Reason::LoadFailed);
        check("ModuleNotFoundError", "No module named 'urllib2'", "urllib2", loading, Reason::RuntimeUnfit);
        check("ModuleNotFoundError", "No module named 'six'", "six", loading, Reason::LoadFailed);
        let inside = "/app/site/a/a.py\tload\n/app/proof/poc.py\t<module>";
        check("AttributeError", "'str' object has no attribute 'x'", "", inside, Reason::HarnessError);
        check("ModuleNotFoundError", "No module named 'six'", "six", inside, Reason::LoadFailed);
    }
}
