//! Which kind of inventory a document is: seen from its content, and from its file's name where the content cannot tell. One
//! row a format. Must not read further than it takes to tell.

use super::draft::Answer;
use super::{
    INVENTORY_BYTES_MAX, Inventory, apk_installed, cargo_lock, cargo_lock_lines, composer_lock, cyclonedx,
    cyclonedx_xml, dpkg_status, gemfile_lock, go_mod, gradle_lock, npm_lock, nuget_lock, pipfile_lock, pnpm_lock,
    poetry_lock, pom, requirements, rpm_list, spdx, spdx_tag, spdx3, uv_lock, yarn_lock,
};
use crate::json::Node;
use crate::refusal::{node_read, text_read};
use crate::{Unreadable, Warning, toml_text, xml, yaml};
use roxmltree::{Document, Node as Element};

const WHAT: &str = "an inventory";
/// Keys that stand twice of which a document's warnings tell.
const REPEATED_KEYS_COUNT_MAX: usize = 20;

/// How a format is told and read.
enum Reader {
    Json {
        seen: fn(&Node) -> bool,
        read: fn(&Node) -> Answer,
    },
    Toml {
        seen: fn(&Node) -> bool,
        read: fn(&Node) -> Answer,
    },
    /// The root element tells.
    Xml {
        seen: fn(Element<'_, '_>) -> bool,
        read: fn(&Document<'_>) -> Answer,
    },
    /// All documents of the file; the first of them tells.
    Yaml {
        seen: fn(&Node) -> bool,
        read: fn(&[Node]) -> Answer,
    },
    /// Its `seen` is asked only of what is no JSON, TOML, YAML or XML.
    Text {
        seen: fn(&str) -> bool,
        read: fn(&str) -> Answer,
    },
}

struct Format {
    /// How it is called in the refusal of what is none of them.
    name: &'static str,
    /// Whether a file of this name, in lower case, is one: asked where no content tells.
    named: fn(&str) -> bool,
    reader: Reader,
}

/// Every format. The first that sees its own reads it.
const FORMATS: &[Format] = &[
    Format {
        name: "CycloneDX",
        named: |name| name.ends_with(".cdx.json"),
        reader: Reader::Json { seen: |n| n.get("bomFormat").is_some(), read: cyclonedx::read_document },
    },
    Format {
        name: "CycloneDX XML",
        named: |_| false,
        reader: Reader::Xml { seen: cyclonedx_xml::seen, read: cyclonedx_xml::read },
    },
    Format {
        name: "SPDX JSON",
        named: |name| name.ends_with(".spdx.json"),
        reader: Reader::Json { seen: spdx::seen, read: spdx::read },
    },
    Format {
        name: "SPDX tags",
        named: |name| name.ends_with(".spdx"),
        reader: Reader::Text { seen: spdx_tag::seen, read: spdx_tag::read },
    },
    Format { name: "SPDX 3 JSON-LD", named: |_| false, reader: Reader::Json { seen: spdx3::seen, read: spdx3::read } },
    Format {
        name: "package-lock.json",
        named: |name| name == "package-lock.json" || name == "npm-shrinkwrap.json",
        reader: Reader::Json { seen: |n| n.get("lockfileVersion").is_some(), read: npm_lock::read_document },
    },
    Format {
        name: "Pipfile.lock",
        named: |name| name == "pipfile.lock",
        reader: Reader::Json { seen: pipfile_lock::seen, read: pipfile_lock::read },
    },
    Format {
        name: "composer.lock",
        named: |name| name == "composer.lock",
        reader: Reader::Json { seen: composer_lock::seen, read: composer_lock::read },
    },
    Format {
        name: "packages.lock.json",
        named: |name| name == "packages.lock.json",
        reader: Reader::Json { seen: nuget_lock::seen, read: nuget_lock::read },
    },
    Format {
        name: "poetry.lock",
        named: |name| name == "poetry.lock",
        reader: Reader::Toml { seen: poetry_lock::seen, read: poetry_lock::read },
    },
    Format {
        name: "uv.lock",
        named: |name| name == "uv.lock",
        reader: Reader::Toml { seen: uv_lock::seen, read: uv_lock::read },
    },
    Format {
        name: "Cargo.lock",
        named: |name| name == "cargo.lock",
        reader: Reader::Toml { seen: cargo_lock::seen, read: cargo_lock::read },
    },
    Format {
        name: "go.mod",
        named: |name| name == "go.mod",
        reader: Reader::Text { seen: go_mod::seen, read: go_mod::read },
    },
    Format {
        name: "go.sum",
        named: |name| name == "go.sum",
        reader: Reader::Text { seen: go_mod::sum_seen, read: go_mod::sum_read },
    },
    Format {
        name: "pnpm-lock.yaml",
        named: |name| name == "pnpm-lock.yaml",
        reader: Reader::Yaml { seen: pnpm_lock::seen, read: pnpm_lock::read },
    },
    Format {
        name: "yarn.lock (Berry)",
        named: |_| false,
        reader: Reader::Yaml { seen: yarn_lock::berry_seen, read: yarn_lock::berry_read },
    },
    Format {
        name: "yarn.lock",
        named: |name| name == "yarn.lock",
        reader: Reader::Text { seen: yarn_lock::classic_seen, read: yarn_lock::classic_read },
    },
    Format {
        name: "Gemfile.lock",
        named: |name| name == "gemfile.lock" || name == "gems.locked",
        reader: Reader::Text { seen: gemfile_lock::seen, read: gemfile_lock::read },
    },
    Format {
        name: "pom.xml",
        named: |name| name == "pom.xml" || name.ends_with(".pom"),
        reader: Reader::Xml { seen: pom::seen, read: pom::read },
    },
    Format {
        name: "gradle.lockfile",
        named: |name| name.ends_with(".lockfile"),
        reader: Reader::Text { seen: gradle_lock::seen, read: gradle_lock::read },
    },
    Format {
        name: "dpkg status",
        named: |name| name == "status",
        reader: Reader::Text { seen: dpkg_status::seen, read: dpkg_status::read },
    },
    Format {
        name: "apk installed",
        named: |name| name == "installed",
        reader: Reader::Text { seen: apk_installed::seen, read: apk_installed::read },
    },
    Format { name: "rpm -qa", named: |_| false, reader: Reader::Text { seen: rpm_list::seen, read: rpm_list::read } },
    Format {
        name: "requirements.txt",
        named: |name| name.contains("requirements") || name.ends_with(".txt"),
        reader: Reader::Text { seen: requirements::seen, read: requirements::read },
    },
];

/// Reads an inventory of any kind that [`read_named`] reads, told from the content alone.
///
/// # Errors
/// As [`read_named`].
pub fn read(bytes: &[u8]) -> Result<(Inventory, Vec<Warning>), Unreadable> {
    read_named(None, bytes)
}

/// Reads an inventory. `name` is the file's name, which decides where the content cannot. UTF-16 with a byte order mark is
/// read too, since shells write lists so.
///
/// # Errors
/// [`Unreadable`] when it is of no kind that is read, or as the reader of its kind says.
pub fn read_named(name: Option<&str>, bytes: &[u8]) -> Result<(Inventory, Vec<Warning>), Unreadable> {
    if bytes.len() > INVENTORY_BYTES_MAX {
        return Err(Unreadable::TooLarge { what: WHAT, bytes: bytes.len(), bytes_max: INVENTORY_BYTES_MAX });
    }
    let decoded = utf16_read(bytes)?;
    let text = match &decoded {
        Some(text) => text,
        None => text_read(WHAT, bytes, INVENTORY_BYTES_MAX)?,
    };
    let name = name.map(|name| name.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase());
    let by_name = |format: &&Format| name.as_deref().is_some_and(|name| (format.named)(name));
    match text.trim_start().bytes().next() {
        Some(b'{') => json_read(text, by_name),
        Some(b'<') if !text.trim_start().starts_with("<<<") => xml_read(text),
        _ if is_yaml(text) => {
            let documents = yaml::read(WHAT, text)?;
            let of_kind = |format: &&Format| matches!(format.reader, Reader::Yaml { .. });
            let first = documents.first().unwrap_or(&Node::Null);
            let seen = |f: &&Format| matches!(f.reader, Reader::Yaml { seen, .. } if seen(first));
            match chosen(seen, |f| of_kind(f) && by_name(f)) {
                Some(Reader::Yaml { read, .. }) => warned(read(&documents)?, &documents),
                _ => Err(unknown()),
            }
        }
        _ if is_toml(text) => {
            if let Some(read) = cargo_lock_lines::read(text) {
                return read;
            }
            let node = toml_text::read(WHAT, text)?;
            let of_kind = |format: &&Format| matches!(format.reader, Reader::Toml { .. });
            let seen = |f: &&Format| matches!(f.reader, Reader::Toml { seen, .. } if seen(&node));
            match chosen(seen, |f| of_kind(f) && by_name(f)) {
                Some(Reader::Toml { read, .. }) => read(&node),
                _ => Err(unknown()),
            }
        }
        _ => {
            let of_kind = |format: &&Format| matches!(format.reader, Reader::Text { .. });
            let seen = |f: &&Format| matches!(f.reader, Reader::Text { seen, .. } if seen(text));
            match chosen(seen, |f| of_kind(f) && by_name(f)) {
                Some(Reader::Text { read, .. }) => read(text),
                _ => Err(unknown()),
            }
        }
    }
}

fn chosen(seen: impl Fn(&&Format) -> bool, named: impl Fn(&&Format) -> bool) -> Option<&'static Reader> {
    FORMATS.iter().find(seen).or_else(|| FORMATS.iter().find(named)).map(|format| &format.reader)
}

fn unknown() -> Unreadable {
    let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    Unreadable::UnknownKind { readable: names.join(", ") }
}

fn json_read(text: &str, by_name: impl Fn(&&Format) -> bool) -> Answer {
    let node = node_read(WHAT, text.as_bytes(), usize::MAX)?;
    let of_kind = |format: &&Format| matches!(format.reader, Reader::Json { .. });
    let seen = |f: &&Format| matches!(f.reader, Reader::Json { seen, .. } if seen(&node));
    match chosen(seen, |f| of_kind(f) && by_name(f)) {
        Some(Reader::Json { read, .. }) => warned(read(&node)?, std::slice::from_ref(&node)),
        _ => Err(unknown()),
    }
}

fn xml_read(text: &str) -> Answer {
    let document = xml::read(WHAT, text.trim_start())?;
    let seen = |f: &&Format| matches!(f.reader, Reader::Xml { seen, .. } if seen(document.root_element()));
    match chosen(seen, |_| false) {
        Some(Reader::Xml { read, .. }) => read(&document),
        _ => Err(unknown()),
    }
}

fn warned((inventory, mut warnings): (Inventory, Vec<Warning>), documents: &[Node]) -> Answer {
    documents.iter().for_each(|document| warnings.extend(repeated_keys(document)));
    Ok((inventory, warnings))
}

/// Which of two values counts is the reader's choice, and others choose otherwise.
fn repeated_keys(node: &Node) -> Vec<Warning> {
    let (mut open, mut warnings) = (vec![node], Vec::new());
    while let Some(node) = open.pop() {
        if warnings.len() >= REPEATED_KEYS_COUNT_MAX {
            break;
        }
        match node {
            Node::Object(members) => {
                if let Some(key) = node.repeated_key() {
                    let text = "a key stands twice in one object: the last counts where one does";
                    warnings.push(Warning::new("repeated_key", super::draft::shown(key), text));
                }
                open.extend(members.iter().map(|(_, node)| node));
            }
            Node::Array(items) => open.extend(items),
            _ => {}
        }
    }
    warnings
}

/// Whether the first line that says anything is one of those with which the lock files in YAML begin.
fn is_yaml(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let begins = ["lockfileVersion:", "__metadata:", "---"];
    lines.next().is_some_and(|line| begins.iter().any(|word| line.starts_with(word)))
}

/// Whether the first line that says anything is a table's header or `key = value`. No list has such lines: `==` is no `=`.
fn is_toml(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.next().is_some_and(|line| {
        let header = line.starts_with('[') && line.split('#').next().unwrap_or_default().trim_end().ends_with(']');
        let key = line.split_once('=').map(|(key, value)| (key.trim_end(), value));
        let pair = key.is_some_and(|(key, value)| {
            let bare = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'"');
            !key.is_empty() && key.bytes().all(bare) && value.starts_with([' ', '"', '[', '{'])
        });
        header || pair
    })
}

fn utf16_read(bytes: &[u8]) -> Result<Option<String>, Unreadable> {
    let unit: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return Ok(None),
    };
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().skip(1).map(|pair| unit(*pair));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    match text {
        Ok(text) if rest.is_empty() => Ok(Some(text)),
        _ => Err(Unreadable::NotUtf8 { what: WHAT, byte: 0 }),
    }
}
