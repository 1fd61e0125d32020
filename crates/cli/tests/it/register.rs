//! `proofhouse register`, from the first word to the first token, with other projects' name server and web server.

use std::process::Command;

use serde_json::{Value, json};
use testkit::clearinghouse::Clearinghouse;
use testkit::peer::Peer;
use testkit::sqlite_store;

async fn run(house: &Clearinghouse, who: (&str, &str), args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proofhouse"));
    command.args(args).env("PROOFHOUSE_URL", format!("http://{}", house.address)).env(who.0, who.1);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_first_word_to_the_first_token() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("zone.json"), "{}").unwrap();
    let (names, files) = (Peer::start("dns.py", &[&path("zone.json")]), Peer::start("files.py", &[&path("")]));
    let name_server = Some(([127, 0, 0, 1], names.port).into());
    let house = Clearinghouse::start_as(
        sqlite_store(),
        |_| {},
        |service| {
            service.outward = service::outward::OutwardConfig { is_loopback_allowed: true, name_server };
        },
    )
    .await;
    let nobody = ("PROOFHOUSE_TOKEN", "pht_not-sent");
    let url = format!("http://127.0.0.1:{}/proofhouse-challenge.txt", files.port);
    let server = format!("http://{}", house.address);
    let new = [
        "register",
        "--server",
        &server,
        "--name",
        "Rope",
        "--accountable",
        "J. Doe",
        "--contact",
        "security@rope.example",
    ];
    let more = ["--package", "pkg:npm/rope-bridge", "--file-url", &url, "--domain", "rope.example"];
    let (code, out, err) = run(&house, nobody, &[&new[..], &more].concat()).await;
    assert!(code == Some(0) && out.contains("it is shown once") && out.contains("--by dns"), "{out} {err}");
    let (code, out, err) = run(&house, nobody, &[&new[..], &more, &["--json"]].concat()).await;
    assert_eq!(code, Some(0), "{err}");
    let made: Value = serde_json::from_str(&out).unwrap();
    let (id, challenge) = (made["id"].as_str().unwrap(), made["challenge"].as_str().unwrap());
    let me = ("PROOFHOUSE_REGISTRATION_SECRET", made["secret"].as_str().unwrap());

    let (code, _, err) = run(&house, me, &["register", "check", id, "--by", "dns"]).await;
    assert!(code == Some(2) && err.contains("no name server gave TXT records"), "{code:?} {err}");
    let zone = json!({"_proofhouse-challenge.rope.example": [challenge]});
    std::fs::write(path("zone.json"), zone.to_string()).unwrap();
    let (code, out, err) = run(&house, me, &["register", "check", id, "--by", "dns"]).await;
    assert!(code == Some(0) && out.contains("by dns: rope.example"), "{out} {err}");
    std::fs::write(path("proofhouse-challenge.txt"), challenge).unwrap();
    let (code, out, err) = run(&house, me, &["register", "check", id, "--by", "file"]).await;
    assert!(code == Some(0) && out.contains(&format!("by file: {url}")), "{out} {err}");
    let (code, _, err) = run(&house, me, &["register", "check", id, "--by", "email"]).await;
    assert!(code == Some(2) && err.contains("sends no e-mail"), "{code:?} {err}");

    let admin = ("PROOFHOUSE_TOKEN", house.admin.as_str());
    let (code, out, err) = run(&house, admin, &["party", "registrations", "--state", "open"]).await;
    assert!(code == Some(0) && out.contains("verified: dns rope.example, file http"), "{out} {err}");
    let page = house.ask("GET", "/").header("cookie", &format!("proofhouse={}", house.admin)).expect(200).await.text();
    assert!(page.contains("Maintainers that ask to take part") && page.contains("dns rope.example"), "{page}");
    let (code, _, err) = run(&house, me, &["register", "token", id]).await;
    assert!(code == Some(2) && err.contains("the registration is open"), "{code:?} {err}");
    let (code, out, err) = run(&house, admin, &["party", "accept", id, "--package", "pkg:npm/rope-bridge"]).await;
    assert!(code == Some(0) && out.contains("party_"), "{out} {err}");
    let (code, out, err) = run(&house, me, &["register", "show", id, "--json"]).await;
    assert_eq!(code, Some(0), "{err}");
    let party = serde_json::from_str::<Value>(&out).unwrap()["party"].as_str().unwrap().to_owned();
    let (code, out, err) = run(&house, me, &["register", "token", id, "--json"]).await;
    assert_eq!(code, Some(0), "{err}");
    let token = serde_json::from_str::<Value>(&out).unwrap()["secret"].as_str().unwrap().to_owned();
    let (code, _, err) = run(&house, me, &["register", "token", id]).await;
    assert!(code == Some(2) && err.contains("given out before"), "{code:?} {err}");
    let (code, out, err) = run(&house, ("PROOFHOUSE_TOKEN", &token), &["pace", "set", &party, "--rate", "2"]).await;
    assert!(code == Some(0) && out.contains("2 in any seven days"), "{out} {err}");
    house.stop().await;
}
