//! Good documents with bytes changed, from a seed: a value or a refusal, never a panic, and never bytes that an intake refuses
//! without saying so.

#[path = "../../../formats/examples/fuzz/mutate.rs"]
mod mutate;

use formats::tap;
use intake::Given;

/// Documents that are changed and read in one run of the test.
const ROUNDS: usize = 500;

#[test]
fn changed_documents_are_read_or_refused() {
    let given = Given { purl: Some("pkg:npm/x".to_owned()), ..Given::default() };
    let mut documents: Vec<Vec<u8>> = Vec::new();
    let mut paths: Vec<_> = std::fs::read_dir(crate::folder()).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    documents.extend(paths.iter().map(|path| std::fs::read(path).unwrap()));
    documents.push(crate::zips::zipped(&[("a.json", documents[0].clone()), ("b.eml", crate::sample("mail.eml"))]));
    let mut numbers = mutate::Numbers::new(20_261_127);
    for round in 0..ROUNDS {
        let bytes = mutate::mutant(&documents, &mut numbers);
        let Ok(document) = intake::read(&bytes, &given) else { continue };
        for one in document.reports {
            match &one.problem {
                None => assert!(tap::read_report(&one.body).is_ok(), "round {round}"),
                Some(problem) => assert!(!problem.is_empty(), "round {round}"),
            }
        }
        let _ = intake::facts("x", &bytes);
    }
}
