//! Reads what only a runtime with a recipe has: `[build]`, and how the built program is started.
//! Must not look at other files of the bundle, except by their names.

use toml::de::{DeTable, DeValue};

use super::manifest::{self, Build};
use super::reader::{Findings, Section, integer_of};

/// What stands for the file that is run.
pub const INPUT_WORD: &str = "{input}";

/// How the built program is started.
#[derive(Debug, Default)]
pub(super) struct Started {
    pub(super) command: Vec<String>,
    pub(super) stdin: bool,
    pub(super) statuses: Vec<u8>,
}

/// `[build]`.
pub(super) fn build(table: &DeTable<'_>, files: &[&str], found: &mut Findings<'_>) -> Option<Build> {
    let mut section = Section::of(table, "build", found);
    let script = section.file("script", None, files, "the recipe, a shell script that builds the target");
    let has_driver = table.keys().any(|key| key.get_ref() == "driver");
    let driver = if has_driver { section.file("driver", None, files, "a C program") } else { None };
    let link = words(&mut section, "link").unwrap_or_default();
    if !has_driver && !link.is_empty() {
        section.wrong("unknown-key", "link", None, "only a driver is linked; name one or remove `link`".into());
    }
    section.refuse_rest();
    Some(Build { script: script?, driver, link })
}

/// The keys of `[run]` that say how the built program is started.
pub(super) fn started(section: &mut Section<'_, '_, '_>) -> Started {
    let command = words(section, "command").unwrap_or_default();
    let stdin = section.boolean("stdin").unwrap_or(false);
    let first_is_plain = command.first().is_some_and(|word| !word.starts_with(['/', '.', '-']));
    if !first_is_plain {
        let message = "`run.command` begins with the name of a program that the recipe put into $OUT";
        section.wrong("malformed-command", "command", None, message.into());
    }
    if !stdin && !command.iter().any(|word| word.contains(INPUT_WORD)) {
        let message = format!("`run.command` gives the file as {INPUT_WORD}, or `stdin = true` does");
        section.wrong("malformed-command", "command", None, message);
    }
    Started { command, stdin, statuses: statuses(section).unwrap_or_default() }
}

fn words(section: &mut Section<'_, '_, '_>, key: &str) -> Option<Vec<String>> {
    let value = section.value(key, false)?;
    let Some(list) = value.get_ref().as_array() else {
        section.wrong_type(key, value, "a list of texts");
        return None;
    };
    let fine = |text: &&str| {
        !text.is_empty() && text.len() <= manifest::COMMAND_WORD_BYTES_MAX && !text.chars().any(char::is_control)
    };
    let words: Vec<String> =
        list.iter().filter_map(|item| item.get_ref().as_str().filter(fine).map(ToOwned::to_owned)).collect();
    if words.len() != list.len() || words.len() > manifest::COMMAND_WORDS_MAX {
        let message = format!("at most {} plain texts are wanted", manifest::COMMAND_WORDS_MAX);
        section.wrong("malformed-command", key, Some(value.span()), message);
        return None;
    }
    Some(words)
}

fn statuses(section: &mut Section<'_, '_, '_>) -> Option<Vec<u8>> {
    let value = section.value("statuses", false)?;
    let list = match value.get_ref() {
        DeValue::Array(list) => list,
        _ => {
            section.wrong_type("statuses", value, "a list of whole numbers");
            return None;
        }
    };
    let read = |item: &toml::Spanned<DeValue<'_>>| integer_of(item.get_ref()).and_then(|n| u8::try_from(n).ok());
    let statuses: Vec<u8> = list.iter().filter_map(read).collect();
    if statuses.len() != list.len() || statuses.len() > manifest::COMMAND_WORDS_MAX {
        section.wrong("out-of-range", "statuses", Some(value.span()), "statuses of 0 to 255 are wanted".into());
        return None;
    }
    Some(statuses)
}
