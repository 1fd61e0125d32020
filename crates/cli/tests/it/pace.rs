//! `proofhouse pace`: set, shown and asked for, against a running clearinghouse.

use std::process::Command;

use domain::party::Role;
use serde_json::{Value, json};
use testkit::clearinghouse::Clearinghouse;
use testkit::sqlite_store;

async fn run(house: &Clearinghouse, token: &str, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proofhouse"));
    command.args(args).env("PROOFHOUSE_URL", format!("http://{}", house.address)).env("PROOFHOUSE_TOKEN", token);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pace_is_set_shown_and_asked_for() {
    let house = Clearinghouse::start(sqlite_store()).await;
    let finder = house.participant("Finder", &[Role::Finder], &[]).await;
    let keeper = house.participant("Keeper", &[Role::Maintainer], &["pkg:npm/lodash"]).await;
    let party = keeper.party.as_str();
    let (code, out, _) = run(&house, &keeper.token, &["pace", "show", party]).await;
    assert!(code == Some(0) && out.contains("no limit") && out.contains("may come now"), "{out}");
    let args = ["pace", "set", party, "--rate", "2", "--closed", "2020-12-20..2021-01-03", "--refuse", "--json"];
    let (code, out, err) = run(&house, &keeper.token, &args).await;
    assert_eq!(code, Some(0), "{err}");
    let set: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&set["rate_per_week"], &set["seasons"][0]["to"], &set["hold"]),
        (&2.into(), &"2021-01-03".into(), &"refused".into())
    );
    let (code, _, err) = run(&house, &keeper.token, &["pace", "set", party, "--closed", "christmas"]).await;
    assert!(code == Some(2) && err.contains("two days with two dots"), "{code:?} {err}");
    let (code, _, err) = run(&house, &keeper.token, &["pace", "set", party, "--rate", "0"]).await;
    assert!(code == Some(2) && err.contains("rate_per_week"), "{code:?} {err}");

    let case = house.measured_case(&finder, "pkg:npm/lodash").await;
    let mut tx = house.store.write().await.unwrap();
    store::pace::wait_open(&mut tx, case, party.parse().unwrap(), service::identity::now()).await.unwrap();
    tx.commit().await.unwrap();
    let (code, out, _) = run(&house, &house.admin, &["pace", "queue"]).await;
    assert!(code == Some(0) && out.contains(&case.to_string()) && out.contains("none is taken"), "{out}");
    let (code, _, err) = run(&house, &keeper.token, &["pace", "queue"]).await;
    assert!(code == Some(2) && err.contains("403"), "{code:?} {err}");
    let reason = "seen in attacks";
    let (code, out, err) = run(&house, &house.admin, &["pace", "except", &case.to_string(), "--reason", reason]).await;
    assert!(code == Some(0) && out.contains("exploited in the wild: seen in attacks"), "{out} {err}");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finder_sees_how_it_stands_and_nobody_elses() {
    let house = Clearinghouse::start(sqlite_store()).await;
    let finder = house.participant("Finder", &[Role::Finder], &[]).await;
    let other = house.participant("Other", &[Role::Finder], &[]).await;
    let (code, out, err) = run(&house, &finder.token, &["report", "standing", "--json"]).await;
    assert_eq!(code, Some(0), "{err}");
    let stands: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&stands["party"], &stands["waiting_max"]), (&finder.party.as_str().into(), &2_000.into()));
    let (code, out, _) = run(&house, &house.admin, &["report", "standing", &finder.party]).await;
    assert!(code == Some(0) && out.contains("500") && out.contains(&finder.party), "{out}");
    let (code, _, err) = run(&house, &other.token, &["report", "standing", &finder.party]).await;
    assert!(code == Some(2) && err.contains("404"), "{code:?} {err}");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_handed_over_as_a_file_and_as_a_message() {
    let house = Clearinghouse::start(sqlite_store()).await;
    let finder = house.participant("Finder", &[Role::Finder], &[]).await;
    let case = house.measured_case(&finder, "pkg:npm/lodash").await.to_string();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.zip");
    let args = ["case", "package", &case, "--output", path.to_str().unwrap()];
    let (code, out, err) = run(&house, &house.admin, &args).await;
    assert!(code == Some(0) && out.contains("case.zip"), "{err}");
    let archive = std::fs::read(&path).unwrap();
    assert!(archive.starts_with(b"PK"));
    let (code, _, err) = run(&house, &house.admin, &args).await;
    assert!(code == Some(2) && err.contains("write"), "one that is there is not overwritten: {err}");
    assert_eq!(std::fs::read(&path).unwrap(), archive);

    let (code, out, err) = run(&house, &house.admin, &["case", "message", &case]).await;
    assert!(code == Some(0) && out.starts_with("Prototype pollution through zipObjectDeep\n"), "{out} {err}");
    let mail = ["case", "message", &case, "--from", "desk@clearing.example"];
    let (code, _, err) = run(&house, &house.admin, &mail).await;
    assert!(code == Some(2) && err.contains("--to"), "{err}");
    let to = [&mail[..], &["--to", "security@example.org"]].concat();
    let (code, out, err) = run(&house, &house.admin, &to).await;
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("\r\nTo: security@example.org\r\n") && out.contains("\r\n\r\nPrototype pollution"), "{out}");
    let to = [&mail[..], &["--to", "a@b\r\nBcc: c@d"]].concat();
    assert_eq!(run(&house, &house.admin, &to).await.0, Some(2));
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_told_by_e_mail_is_warned() {
    let house = Clearinghouse::start(sqlite_store()).await;
    let finder = house.participant("Finder", &[Role::Finder], &[]).await;
    let keeper = house.participant("Keeper", &[Role::Maintainer], &["pkg:npm/lodash"]).await;
    let party = keeper.party.as_str();
    let args = ["pace", "set", party, "--told", "email", "--told-to", "security@keepers.example"];
    let (code, out, err) = run(&house, &keeper.token, &args).await;
    assert!(code == Some(0) && out.contains("warning      this clearinghouse has no mail server"), "{out} {err}");
    let case = house.measured_case(&finder, "pkg:npm/lodash").await;
    let mut tx = house.store.write().await.unwrap();
    store::pace::wait_open(&mut tx, case, party.parse().unwrap(), service::identity::now()).await.unwrap();
    tx.commit().await.unwrap();
    let (_, out, _) = run(&house, &house.admin, &["pace", "queue"]).await;
    assert!(out.contains("nobody is told by e-mail"), "{out}");
    house.post(&format!("/v1/cases/{case}/exception"), &house.admin, &json!({"reason": "seen"})).expect(200).await;
    house.work().await;
    let (code, out, err) = run(&house, &house.admin, &["pace", "letters", "--state", "undelivered"]).await;
    assert!(code == Some(0) && out.contains(&format!("undelivered  case {case}")), "{out} {err}");
    let page = house.ask("GET", "/").header("cookie", &format!("proofhouse={}", house.admin)).expect(200).await.text();
    assert!(
        page.contains("Letters that could not be delivered") && page.contains("no mail server is set up"),
        "{page}"
    );
    house.stop().await;
}

#[test]
fn a_mail_server_without_tls_or_a_password_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let authority = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(path("ca.pem"), authority.cert.pem()).unwrap();
    std::fs::write(path("password"), "open sesame").unwrap();
    std::fs::create_dir(path("box")).unwrap();
    let peer = testkit::peer::Peer::start("mail.py", &[&path("box"), "plain"]);
    let server = format!("smtp://127.0.0.1:{}", peer.port);
    let serve = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_proofhouse"));
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--home", &path("home"), "--mail-server", &server])
            .args(more);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let from = ["--mail-from", "desk@clearing.example"];
    let (code, err) = serve(&[&from[..], &["--mail-ca", &path("ca.pem")]].concat());
    assert!(code == Some(3) && err.contains("error [mail]: the mail server offers no TLS; "), "{code:?} {err}");
    let file = path("password");
    let (code, err) = serve(&[&from[..], &["--mail-user", "desk", "--mail-password-file", &file]].concat());
    assert!(code == Some(2) && err.contains("others can read or write it") && !err.contains("sesame"), "{err}");
    let (code, err) = serve(&["--mail-from", "the desk"]);
    assert!(code == Some(3) && err.contains("letters come from"), "{code:?} {err}");
    assert_eq!(serve(&[]).0, Some(2));
}
