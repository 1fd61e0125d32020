//! Documents of every format before the sorter: those of one defect come together.

use triage::sort::Gathering;

use crate::{folder, sample};

#[test]
fn reports_of_one_defect_meet_whatever_their_format() {
    let mut gathering = Gathering::default();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (items, _) = intake::facts(&name, &std::fs::read(&path).unwrap()).unwrap();
        assert!(!items.is_empty(), "{name}");
        items.into_iter().for_each(|item| drop(gathering.add(item)));
    }
    let clusters: Vec<Vec<String>> = gathering.gather().groups.into_iter().map(|group| group.members).collect();
    let tarling = ["ghsa.json#/vulnerabilities/0", "note.md", "openvex.json#/statements/0", "osv.json#/affected/0"];
    let cluster = clusters.iter().find(|c| c.iter().any(|m| m == "note.md")).unwrap();
    for member in tarling {
        assert!(cluster.iter().any(|m| m == member), "{member} in {clusters:#?}");
    }
    let yajl = clusters.iter().find(|c| c.iter().any(|m| m == "crash.log")).unwrap();
    for member in ["casr.json", "mail.eml"] {
        assert!(yajl.iter().any(|m| m == member), "{member} in {clusters:#?}");
    }
}

#[test]
fn an_archive_sorts_as_its_files_do() {
    let names = ["scan.sarif", "mail.eml", "crash.log"];
    let archive = crate::zips::zipped(&names.map(|name| (name, sample(name))));
    let (items, left_out) = intake::facts("a.zip", &archive).unwrap();
    assert!(left_out.is_empty());
    let mut alone = 0;
    for name in names {
        alone += intake::facts(name, &sample(name)).unwrap().0.len();
    }
    assert_eq!(items.len(), alone);
    assert!(items.iter().any(|item| item.id == "a.zip!scan.sarif#/runs/0/results/0"));
}
