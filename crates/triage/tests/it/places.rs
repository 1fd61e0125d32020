//! Places in source code: how symbols are spelt, what the parser in the box may answer, and what they do to static results.

use proptest::prelude::*;
use serde_json::{Value, json};
use triage::place::{self, FileRead, Language, NoSymbol, Origin, Place, PlaceRead, Refusal};
use triage::sort::{self, Gathered, Gathering, Item};

#[track_caller]
fn check(name: &str, expected: &str) {
    assert_eq!(place::normal(name), expected, "{name}");
    assert_eq!(place::normal(expected), expected, "twice is once");
}

#[test]
fn one_spelling_for_each_symbol() {
    check("field_read", "field_read");
    check("ns::Box<T>::put(int, std::vector<int>)", "ns::Box::put");
    check("void ns::Box<int, std::less<int> >::put(int)", "ns::Box::put");
    check("bool Shelf::operator<(const Shelf &) const", "Shelf::operator<");
    check("Shelf::operator()(int)", "Shelf::operator()");
    check("<store::Shelf<T> as core::fmt::Display>::fmt", "Shelf::fmt");
    check("<impl Keep for Shelf>::keep", "Shelf::keep");
    check("impl Shelf::first", "Shelf::first");
    check("shelf::outer::{{closure}}", "shelf::outer");
    check("example.org/shelf.(*Shelf[T]).Take", "example.org/shelf.Shelf.Take");
    check("com.example.Outer$Inner.run(Ljava/lang/String;)V", "com.example.Outer.Inner.run");
    check("com.example.Outer$1.run", "com.example.Outer.run");
    check("org.example.Sample.<init>(int)", "org.example.Sample.Sample");
    check("outer.<locals>.inner", "outer.inner");
    check("Shelf.prototype.drop", "Shelf.drop");
    check("module.exports.api.list", "api.list");
    check("Store::Shelf#take", "Store::Shelf#take");
    check("Store\\\\Shelf::open", "Store\\Shelf::open");
    check("$scope.$apply", "$scope.$apply");
    check("(anonymous function)", "");
    check("<anonymous>", "");
    check("  ", "");
    check("a\u{0}b\nc", "c");
}

#[test]
fn the_same_symbol_in_other_words() {
    let same = |a: &str, b: &str, expected: bool| {
        assert_eq!(place::same(a, b), expected, "{a} and {b}");
        assert_eq!(place::same(b, a), expected, "{b} and {a}");
    };
    same("take", "Store::Shelf#take", true);
    same("Shelf.take", "Store::Shelf#take", true);
    same("org.example.Shelf.take(int)", "Shelf.take", true);
    same("Slot.take", "Shelf.take", false);
    same("retake", "take", false);
    same("", "", false);
}

proptest! {
    #[test]
    fn any_name_is_spelt(name in "\\PC{0,60}|[a-z<>():.#$*\\[\\] {}&]{0,60}") {
        let once = place::normal(&name);
        prop_assert!(once.len() <= 256 && !once.chars().any(char::is_control), "{once:?}");
    }

    #[test]
    fn any_answer_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), places in proptest::collection::vec(0_usize..5, 0..5), magic in any::<bool>()) {
        let bytes = if magic { [b"PSA1", bytes.as_slice()].concat() } else { bytes };
        if let Ok(files) = place::answers_read(&bytes, &places) {
            prop_assert!(files.len() <= places.len());
            for (file, count) in files.iter().zip(&places) {
                if let Ok(answers) = file {
                    prop_assert_eq!(answers.len(), *count);
                }
            }
        }
    }

    #[test]
    fn what_was_written_is_read(symbols in proptest::collection::vec("[a-z:]{0,20}", 0..6), cut in 0_usize..200, flip in any::<usize>(), by in 1_u8..) {
        let answers = symbols.iter().enumerate().map(|(at, symbol)| match at % 3 {
            2 => Err(Refusal::Deep),
            _ => Ok(PlaceRead { symbol: symbol.clone(), statement: at as u64 }),
        });
        let files: Vec<FileRead> = vec![Ok(answers.collect()), Err(Refusal::Steps)];
        let bytes = [place::answer_write(true, &files[0]), place::answer_write(false, &files[1])].concat();
        let places = [symbols.len(), 1];
        prop_assert_eq!(place::answers_read(&bytes, &places), Ok(files.clone()));
        // What is cut off in the middle gives the files before it, and never another answer.
        let cut = place::answers_read(&bytes[..cut.min(bytes.len())], &places).unwrap();
        prop_assert_eq!(&cut[..], &files[..cut.len()]);
        prop_assert!(place::answers_read(&[bytes.as_slice(), b"x"].concat(), &places).is_err());
        // Nor does a changed byte give more or fewer than were asked for.
        let mut changed = bytes.clone();
        let at = flip % changed.len();
        changed[at] = changed[at].wrapping_add(by);
        for (file, count) in place::answers_read(&changed, &places).unwrap_or_default().iter().zip(places) {
            prop_assert!(file.as_ref().map_or(true, |answers| answers.len() == count));
        }
    }
}

#[test]
fn questions_are_read_as_they_were_written() {
    let place = Place { line: 1, column: 2, end_line: 3, end_column: 4 };
    let mut bytes = Vec::new();
    place::question_write(&mut bytes, Language::Ruby, b"a\0", &[place]);
    place::question_write(&mut bytes, Language::Tsx, b"", &[]);
    let questions = place::questions_read(&bytes).unwrap();
    assert_eq!((questions[0].language, questions[0].source.as_slice()), (Language::Ruby, b"a\0".as_slice()));
    assert_eq!((questions[0].places.as_slice(), questions.len()), ([place].as_slice(), 2));
    for cut in 0..bytes.len() {
        let read = place::questions_read(&bytes[..cut]);
        assert!(read.is_err() || read.unwrap().len() < 2, "{cut}");
    }
}

#[test]
fn files_have_languages() {
    for (path, language) in [
        ("src/a.C", Some(Language::C)),
        ("a.h", Some(Language::Cpp)),
        ("a/b.test.TSX", Some(Language::Tsx)),
        ("Rakefile", None),
        ("a.rs/b", None),
        ("", None),
    ] {
        assert_eq!(Language::of_path(path), language, "{path}");
    }
}

fn result(line: u32) -> Value {
    json!({"ruleId": "eval", "message": {"text": "code from outside"}, "properties": {"tags": ["CWE-95"]}, "locations": [
        {"physicalLocation": {"artifactLocation": {"uri": "src/a.js"}, "region": {"startLine": line}}}]})
}

fn log(results: &[Value]) -> String {
    json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "scan"}}, "results": results}]}).to_string()
}

/// The results of one document; each line comes with the function and the statement that a parser would find there.
fn found(name: &str, lines: &[(u32, &str, u64)]) -> Vec<Item> {
    let results: Vec<Value> = lines.iter().map(|(line, ..)| result(*line)).collect();
    let mut items = sort::read(name, log(&results).as_bytes()).unwrap();
    let files = sort::wanted(&mut items, |_| 0);
    assert_eq!((files.len(), files[0].path.as_str()), (1, "src/a.js"));
    let answers = lines
        .iter()
        .map(|(_, symbol, statement)| Ok(PlaceRead { symbol: (*symbol).to_owned(), statement: *statement }));
    sort::located(&mut items, &files[0], Origin::Source, Ok(answers.collect()));
    sort::locate_end(&mut items);
    items
}

fn gather(documents: Vec<Vec<Item>>) -> Gathered {
    let mut gathering = Gathering::default();
    documents.into_iter().flatten().for_each(|item| drop(gathering.add(item)));
    gathering.gather()
}

fn pairs(gathered: &Gathered) -> Vec<Vec<String>> {
    let short = |id: &String| id.replace("#/runs/0/results/", "");
    gathered.groups.iter().filter(|g| g.members.len() > 1).map(|g| g.members.iter().map(short).collect()).collect()
}

#[test]
fn lines_that_moved_stay_one_result_and_two_lines_of_one_function_two() {
    let old = found("old", &[(10, "outer", 1), (11, "outer", 2), (30, "other", 1), (40, "", 3)]);
    let new = found("new", &[(110, "outer", 1), (111, "outer", 2), (130, "other", 1), (10, "", 3)]);
    assert_eq!(
        pairs(&gather(vec![old, new])),
        [["new0", "old0"], ["new1", "old1"], ["new2", "old2"], ["new3", "old3"]]
    );
}

#[test]
fn the_same_statement_twice_in_one_function_is_told_apart_by_its_turn() {
    let old = found("old", &[(11, "outer", 1), (10, "outer", 1)]);
    let new = found("new", &[(20, "outer", 1), (21, "outer", 1)]);
    assert_eq!(pairs(&gather(vec![old, new])), [["new0", "old1"], ["new1", "old0"]]);
}

#[test]
fn another_function_or_another_rule_is_another_place() {
    let old = found("old", &[(10, "outer", 1), (20, "", 7)]);
    let new = found("new", &[(10, "Shelf.outer2", 1), (20, "late", 7)]);
    assert_eq!(pairs(&gather(vec![old, new])), Vec::<Vec<String>>::new());
    let (old, mut new) = (found("old", &[(10, "outer", 1)]), found("new", &[(10, "outer", 1)]));
    new[0].rule = Some("scan/innerHTML".to_owned());
    assert_eq!(pairs(&gather(vec![old, new])), Vec::<Vec<String>>::new());
}

proptest! {
    #[test]
    fn the_order_of_results_and_documents_does_not_matter(seed in any::<u64>()) {
        let lines: Vec<(u32, &str, u64)> = (0..24).map(|n| (n * 3 + 1, ["outer", "inner", ""][n as usize % 3], u64::from(n / 6))).collect();
        let document = |name: &str| found(name, &lines);
        let whole = gather(vec![document("a"), document("b"), document("c")]);
        let mut all: Vec<Item> = [document("c"), document("a"), document("b")].concat();
        let mut state = seed | 1;
        for at in (1..all.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            all.swap(at, (state >> 33) as usize % (at + 1));
        }
        prop_assert_eq!(gather(vec![all]), whole);
    }
}

#[test]
fn what_the_document_says_stands_and_what_is_not_found_has_its_reason() {
    let mut said = result(3);
    said["locations"][0]["logicalLocations"] = json!([{"fullyQualifiedName": "take(int)"}]);
    let mut odd = result(4);
    odd["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] = json!("src/a.txt");
    let mut nowhere = result(5);
    nowhere["locations"] = json!([]);
    let mut items = sort::read("x", log(&[said, odd, nowhere, result(6)]).as_bytes()).unwrap();
    let files = sort::wanted(&mut items, |_| 0);
    let answers = vec![Ok(PlaceRead { symbol: "Shelf.take".to_owned(), statement: 1 }), Err(Refusal::NoLine)];
    sort::located(&mut items, &files[0], Origin::Source, Ok(answers));
    let told: Vec<_> = items.iter().map(|i| (i.symbols.first().map(String::as_str), i.origin, i.no_symbol)).collect();
    assert_eq!(
        told,
        [
            (Some("Shelf.take"), Some(Origin::Document), None),
            (None, None, Some(NoSymbol::Language)),
            (None, None, None),
            (None, None, Some(NoSymbol::Parser(Refusal::NoLine))),
        ]
    );
    sort::located(&mut items, &files[0], Origin::Source, Err(NoSymbol::NotThere));
    assert_eq!(items[3].no_symbol, Some(NoSymbol::NotThere));
}

#[test]
fn addresses_lead_from_the_top_of_the_source() {
    let run = |location: Value| {
        let text = json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "scan"}},
            "originalUriBaseIds": {"ROOT": {"uri": "file:///home/x/proj/"}, "SRC": {"uri": "src/", "uriBaseId": "ROOT"}, "SELF": {"uri": "a/", "uriBaseId": "SELF"}},
            "artifacts": [{"location": {"uri": "src/b.js"}, "contents": {"text": "eval(1)"}}],
            "results": [{"ruleId": "r", "message": {"text": ""}, "locations": [{"physicalLocation": {"artifactLocation": location, "region": {"startLine": 1}}}]}],
        }]});
        let item = sort::read("x", text.to_string().as_bytes()).unwrap().remove(0);
        (item.path.unwrap(), item.artifact.map(|text| text.to_string()))
    };
    let path = |location: Value| run(location).0;
    assert_eq!(path(json!({"uri": "a.js", "uriBaseId": "SRC"})), "src/a.js");
    assert_eq!(path(json!({"uri": "src/a.js", "uriBaseId": "ROOT"})), "src/a.js");
    assert_eq!(path(json!({"uri": "file:///home/x/proj/src/a%20b.js"})), "src/a b.js");
    assert_eq!(path(json!({"uri": "./src/a.js"})), "src/a.js");
    assert_eq!(path(json!({"uri": "src\\a.js", "uriBaseId": "NONE"})), "src/a.js");
    assert_eq!(path(json!({"uri": "file:///etc/passwd"})), "/etc/passwd");
    assert!(path(json!({"uri": "b", "uriBaseId": "SELF"})).ends_with("a/b"));
    assert_eq!(run(json!({"uri": "src/b.js"})), ("src/b.js".to_owned(), Some("eval(1)".to_owned())));
    assert_eq!(run(json!({"index": 0})), ("src/b.js".to_owned(), Some("eval(1)".to_owned())));
    assert_eq!(run(json!({"uri": "b.js", "uriBaseId": "SRC"})).1, None, "written otherwise: not taken for the same");
    assert_eq!(run(json!({"uri": "src/other.js", "index": 0})), ("src/other.js".to_owned(), None));
}

#[test]
fn a_base_that_stands_on_itself_makes_no_long_path() {
    for (base, longest) in [("b".repeat(300), 4_096 + 4), ("b".repeat(400_000), 4)] {
        let place = json!({"artifactLocation": {"uri": "x.c", "uriBaseId": "B"}, "region": {"startLine": 1}});
        let log = json!({"version": "2.1.0", "runs": [{
            "tool": {"driver": {"name": "scan"}},
            "originalUriBaseIds": {"B": {"uri": base, "uriBaseId": "B"}},
            "results": [{"ruleId": "r", "message": {"text": "m"}, "locations": [{"physicalLocation": place}]}],
        }]});
        let items = sort::read("log.sarif", log.to_string().as_bytes()).unwrap();
        let path = items[0].path.as_deref().unwrap();
        assert!(path.ends_with("x.c") && path.len() <= longest, "{} bytes", path.len());
    }
}
