//! Bundles imported from tests and reproducers, proved on real packages. The tests are our own writing.

use std::collections::BTreeMap;
use std::path::Path;

use super::{prove, told};
use proof::Bundle;
use proof::import::{Expectation, Import, Origin};

fn import(origin: Origin, purl: &str, versions: [&str; 2], test: &str, control: &str, main: (&str, &str)) -> Import {
    Import {
        origin,
        title: "imported".into(),
        purl: purl.into(),
        vulnerable: versions[0].into(),
        fixed: Some(versions[1].into()),
        test: test.into(),
        control: control.into(),
        expect: Expectation::FailsWhenVulnerable,
        raises: Vec::new(),
        main: main.0.into(),
        files: BTreeMap::from([(main.0.to_owned(), main.1.as_bytes().to_vec())]),
        dependencies: BTreeMap::new(),
    }
}

fn confirmed(import: &Import) {
    let bundle = Bundle::from_files(import.bundle().unwrap(), Path::new("imported")).unwrap();
    let report = prove(&bundle);
    let wanted = format!("confirmed; {} fired; {} silent", import.vulnerable, import.fixed.as_deref().unwrap());
    assert_eq!(told(&report), wanted, "{:?}", report.grade_reasons);
}

/// One test states what must hold, the other uses the defect; a fixture and parameters are pytest's own.
const PYTEST: &str = r#"
import pytest
from jinja2 import Environment


@pytest.fixture
def template():
    return Environment(autoescape=True).from_string("<p{{ attributes|xmlattr }}>")


def page(template, key):
    try:
        return template.render(attributes={key: "1"})
    except ValueError:
        return ""


@pytest.mark.parametrize("key", ["x onmouseover=go() y", "a\tonclick=go() b"])
def test_one_key_is_one_attribute(template, key):
    assert "=go() " not in page(template, key)


def test_a_handler_slips_in(template):
    assert "=go() " in template.render(attributes={"x onmouseover=go() y": "1"})


def test_plain(template):
    assert page(template, "title") == '<p title="1">'
"#;

#[test]
fn a_pytest_that_fails_when_vulnerable() {
    let name = "test_one_key_is_one_attribute";
    let main = ("test_xmlattr.py", PYTEST);
    confirmed(&import(Origin::Pytest, "pkg:pypi/jinja2", ["3.1.2", "3.1.3"], name, "test_plain", main));
}

#[test]
fn a_pytest_that_fails_when_fixed_by_an_exception_that_the_import_names() {
    let main = ("test_xmlattr.py", PYTEST);
    let mut import =
        import(Origin::Pytest, "pkg:pypi/jinja2", ["3.1.2", "3.1.3"], "test_a_handler_slips_in", "test_plain", main);
    import.expect = Expectation::FailsWhenFixed;
    // An exception that nobody named is no refusal of the fix: it shows nothing.
    let unnamed = Bundle::from_files(import.bundle().unwrap(), Path::new("imported")).unwrap();
    assert_eq!(told(&prove(&unnamed)), "unconfirmed; 3.1.2 fired; 3.1.3 inconclusive harness-error");
    import.raises = vec!["ValueError".into()];
    confirmed(&import);
}

const JEST: &str = r"
const { Netmask } = require('netmask');

describe('a filter for the own network', () => {
  let own;
  beforeEach(() => {
    own = new Netmask('127.0.0.0/8');
  });
  it('blocks octal numbers', () => {
    let blocked = true;
    try {
      blocked = own.contains('0177.0.0.1');
    } catch (e) {
      expect(e.message).toMatch(/^Invalid /);
    }
    expect(blocked).toBe(true);
  });
  it('knows plain addresses', async () => {
    expect(own.contains('127.0.0.1')).toBe(true);
    expect(own).toHaveProperty('broadcast', '127.255.255.255');
  });
});
";

#[test]
fn a_jest_test_that_fails_when_vulnerable() {
    let (test, control) = ("a filter for the own network blocks octal numbers", "knows plain addresses");
    let main = ("filter.test.js", JEST);
    confirmed(&import(Origin::Jest, "pkg:npm/netmask", ["1.0.6", "2.0.0"], test, control, main));
}

const CARGO_TEST: &str = r#"//! Text comes out of a shell as it went in.
#![allow(deprecated)]

fn through_shell(text: &str) -> String {
    let script = format!("printf '<%s>' {}", shlex::quote(text));
    let shell = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
    String::from_utf8(shell.stdout).unwrap()
}

#[test]
fn braces_are_quoted() {
    assert_eq!(through_shell("{a,b}"), "<{a,b}>");
}

#[test]
fn blanks_are_quoted() -> Result<(), String> {
    match through_shell("two 'words'").as_str() {
        "<two 'words'>" => Ok(()),
        other => Err(other.to_owned()),
    }
}
"#;

#[test]
fn a_cargo_test_that_fails_when_vulnerable() {
    let main = ("shell.rs", CARGO_TEST);
    let versions = ["1.2.0", "1.2.1"];
    confirmed(&import(Origin::CargoTest, "pkg:cargo/shlex", versions, "braces_are_quoted", "blanks_are_quoted", main));
}

/// As OSS-Fuzz's recipes are: from `$SRC` into `$OUT`, with an engine to link.
const RECIPE: &str = r#"cd $SRC/yajl
mkdir -p include/yajl
cp src/api/*.h include/yajl/
sed -e 's/${YAJL_MAJOR}/2/; s/${YAJL_MINOR}/1/; s/${YAJL_MICRO}/0/' src/api/yajl_version.h.cmake > include/yajl/yajl_version.h
for file in src/*.c; do
  $CC $CFLAGS -DNDEBUG -Iinclude -c "$file" -o "$WORK/$(basename "$file" .c).o"
done
$CC $CFLAGS -Iinclude -c $SRC/parse_fuzzer.c -o $WORK/parse_fuzzer.o
$CC $CFLAGS $WORK/yajl*.o $WORK/parse_fuzzer.o $LIB_FUZZING_ENGINE -o $OUT/parse_fuzzer
"#;
const TARGET: &str = r#"#include <stdint.h>
#include <stddef.h>
#include <yajl/yajl_parse.h>

static int on_string(void *seen, const unsigned char *text, size_t bytes) { return seen != 0 && text != 0 && bytes + 1 > 0; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static yajl_callbacks callbacks;
  callbacks.yajl_string = on_string;
  yajl_handle parser = yajl_alloc(&callbacks, 0, &callbacks);
  if (yajl_parse(parser, data, size) == yajl_status_ok) yajl_complete_parse(parser);
  yajl_free(parser);
  return 0;
}
"#;

#[test]
fn an_oss_fuzz_reproducer() {
    let versions = ["2.1.0-3+deb12u2+patch02:multiarch.patch", "2.1.0-3+deb12u2"];
    let mut import =
        import(Origin::OssFuzz, "pkg:deb/debian/yajl", versions, "parse_fuzzer", "plain.json", ("build.sh", RECIPE));
    let example = |name: &str| {
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/yajl-surrogate").join(name)).unwrap()
    };
    import.files.insert("parse_fuzzer.c".into(), TARGET.into());
    import.files.insert("crash-1".into(), example("poc.json"));
    import.files.insert("plain.json".into(), example("control.json"));
    import.main = "crash-1".into();
    confirmed(&import);
}
