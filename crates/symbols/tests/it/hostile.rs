//! Files that are made to hurt: each ends within its steps, with an answer or a refusal, and the same one each time.

use proptest::prelude::*;
use triage::place::{FILE_BYTES_MAX, FileRead, Language, Place, Question, Refusal};

fn ask(language: Language, source: Vec<u8>, places: Vec<Place>) -> FileRead {
    let question = Question { language, source, places };
    let one = symbols::answer(&question);
    assert_eq!(one, symbols::answer(&question), "{language:?}: another answer the second time");
    one
}

fn line(line: u32) -> Place {
    Place { line, ..Place::default() }
}

fn column(column: u32) -> Place {
    Place { line: 1, column, ..Place::default() }
}

#[test]
fn what_lies_too_deep_is_refused_and_what_is_around_it_is_not() {
    for (language, open) in [(Language::JavaScript, "[("), (Language::C, "{{"), (Language::Rust, "((")] {
        let mut source = "function f() {\n g()\n}\n".to_owned();
        source.push_str(&open.repeat(20_000));
        let end = Place { line: 4, column: 39_000, ..Place::default() };
        match ask(language, source.into_bytes(), vec![line(2), end]) {
            Ok(answers) => assert!(answers[0].is_ok(), "{language:?}: {answers:?}"),
            Err(refusal) => assert!(matches!(refusal, Refusal::Steps), "{language:?}: {refusal}"),
        }
    }
    let nested = format!("x = {}1{}", "(".repeat(5_000), ")".repeat(5_000));
    let answers = ask(Language::Python, nested.into_bytes(), vec![column(5_004)]).unwrap();
    assert_eq!(answers, [Err(Refusal::Deep)]);
}

#[test]
fn nuls_odd_bytes_and_empty_files_are_answered() {
    for language in Language::ALL {
        for source in [&b"\0\0\0"[..], b"\xff\xfe\xfd f(\xc3) {\n}", b"x", b"int f() { \0 return \xff; }"] {
            let answers = ask(language, source.to_vec(), vec![line(1), line(9)]).unwrap();
            assert!(answers[0].is_ok() && answers[1] == Err(Refusal::NoLine), "{language:?} {source:?}: {answers:?}");
        }
        assert_eq!(ask(language, Vec::new(), vec![line(1)]), Ok(vec![Err(Refusal::NoLine)]));
    }
}

#[test]
fn one_long_line_is_answered() {
    let source = "f(a);".repeat(FILE_BYTES_MAX / 64).into_bytes();
    let places = (1..2_000).map(column).chain([column(u32::MAX)]).collect();
    let answers = ask(Language::JavaScript, source, places);
    assert!(answers.is_err() || answers.unwrap().iter().any(Result::is_ok));
}

#[test]
fn many_readings_of_one_text_are_bounded() {
    let bombs = [
        (Language::Cpp, "a<".repeat(20_000)),
        (Language::Cpp, "a(b)(c)*d&e,".repeat(10_000)),
        (Language::CSharp, "a<b,c>(d)?e:f=>(".repeat(5_000)),
        (Language::TypeScript, "a<b>(c)=><d>(".repeat(5_000)),
        (Language::JavaScript, "({[`${".repeat(10_000)),
        (Language::Ruby, "<<A;%w(#{".repeat(5_000)),
        (Language::Php, "<?php ".to_owned() + &"<<<A\n{$".repeat(5_000)),
        (Language::Python, "f'{f\"{".repeat(5_000)),
    ];
    for (language, source) in bombs {
        let _ = ask(language, source.into_bytes(), vec![line(1), column(1_000)]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_answered(language in 0_u8..12, source in proptest::collection::vec(any::<u8>(), 0..400), l in 0_u32..9, c in 0_u32..80) {
        let language = Language::of_byte(language).unwrap();
        let _ = ask(language, source, vec![line(l), Place { line: l, column: c, end_line: l, end_column: c + 3 }]);
    }

    #[test]
    fn any_question_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = symbols::answer_all(&[b"PSQ1", bytes.as_slice()].concat(), &mut Vec::new());
        let _ = symbols::answer_all(&bytes, &mut Vec::new());
    }
}
