//! Maintainers register: what each way of verification takes and refuses, against other projects' servers, and what a coordinator decides.

use domain::id::RegistrationId;
use domain::party::Role;
use domain::time::Timestamp;
use service::identity::now;
use service::outward::OutwardConfig;
use service::registration::{RegistrationInput, RegistrationView};
use service::registration_check::{
    ADDRESS_LETTERS_PER_DAY_COUNT_MAX, Check, EMAIL_MISSES_COUNT_MAX, REGISTRATION_CHECKS_COUNT_MAX,
};
use service::{Service, ServiceError};
use store::Page;
use store::letter::LetterState;
use store::registration::{RegistrationState, Verification, Way};
use testkit::peer::Peer;

use crate::house::{House, config, forget, home};
use crate::mail::{Post, header, letters};

/// Other people's servers of a test.
struct Outside {
    post: Post,
    folder: tempfile::TempDir,
    files: Peer,
    names: Peer,
}

impl Outside {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let zone = folder.path().join("zone.json");
        std::fs::write(&zone, "{}").unwrap();
        let files = Peer::start("files.py", &[folder.path().to_str().unwrap()]);
        let names = Peer::start("dns.py", &[zone.to_str().unwrap()]);
        Self { post: Post::open("starttls"), folder, files, names }
    }

    fn outward(&self) -> OutwardConfig {
        let name_server = Some(([127, 0, 0, 1], self.names.port).into());
        OutwardConfig { is_loopback_allowed: true, name_server }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.files.port)
    }

    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn asked(&self) -> usize {
        std::fs::read_to_string(self.folder.path().join("asked")).unwrap_or_default().lines().count()
    }

    /// Runs a test body in a clearinghouse on each store that knows these servers.
    async fn houses(&self, body: impl AsyncFn(&House)) {
        for temp in [testkit::sqlite_store(), testkit::postgres_store().await] {
            eprintln!("on {}:", temp.name);
            let mut config = config(home(), &temp);
            (config.mail, config.outward) = (Some(self.post.config()), self.outward());
            let house = House::open(config, &temp).await;
            body(&house).await;
            assert_eq!(house.service.fsck().await.unwrap(), Vec::<String>::new());
            drop(house);
            forget(&temp).await;
        }
    }
}

fn input(contact: &str) -> RegistrationInput {
    RegistrationInput {
        name: "Rope bridges".to_owned(),
        accountable: "J. Doe".to_owned(),
        contact: contact.to_owned(),
        packages: vec!["pkg:npm/rope-bridge".parse().unwrap(), "pkg:npm/plank".parse().unwrap()],
        file_url: None,
        domain: None,
    }
}

async fn registers(s: &Service, input: RegistrationInput) -> (RegistrationId, String, RegistrationView) {
    let view = s.registration_create(input).await.unwrap();
    (view.registration.id, view.secret.clone().unwrap(), view)
}

fn code<T: std::fmt::Debug>(result: Result<T, ServiceError>) -> &'static str {
    match result {
        Err(ServiceError::Conflict { code, .. }) => code,
        Err(ServiceError::NotFound(what)) => what,
        Err(ServiceError::Invalid(violations)) => violations[0].code,
        other => panic!("{other:?}"),
    }
}

fn ways(view: &RegistrationView) -> Vec<(Way, &str)> {
    view.verified.iter().map(|v| (v.way, v.subject.as_str())).collect()
}

/// The token in the newest letter.
fn token(post: &Post) -> String {
    let letter = post.kept("eml").pop().unwrap();
    assert_eq!(header(&letter, "To"), "security@rope.example");
    assert!(!letter.contains("bridge") && !letter.contains("Doe"), "a stranger's words go to a stranger: {letter}");
    letter.split_whitespace().find(|w| w.starts_with("phe_")).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_verified_by_a_token_that_comes_back() {
    let outside = Outside::open();
    outside
        .houses(async |house| {
            let s = &house.service;
            let (id, secret, made) = registers(s, input("security@rope.example")).await;
            assert!(!format!("{made:?}").contains("phe_"));
            assert_eq!(
                code(s.registration_check(id, &secret, Check::EmailToken("phe_0".to_owned())).await),
                "wrong_token"
            );
            s.registration_check(id, &secret, Check::EmailSend).await.unwrap();
            house.work().await;
            let first = token(&outside.post);
            // Tries are bounded: then not even the right one counts, until another letter came.
            for _ in 0..EMAIL_MISSES_COUNT_MAX {
                assert_eq!(
                    code(s.registration_check(id, &secret, Check::EmailToken("guess".to_owned())).await),
                    "wrong_token"
                );
            }
            let late = s.registration_check(id, &secret, Check::EmailToken(first.clone())).await;
            assert_eq!(code(late), "wrong_token");
            s.registration_check(id, &secret, Check::EmailSend).await.unwrap();
            house.work().await;
            let second = token(&outside.post);
            assert_ne!(first, second);
            assert_eq!(code(s.registration_check(id, &secret, Check::EmailToken(first)).await), "wrong_token");
            let view = s.registration_check(id, &secret, Check::EmailToken(second.clone())).await.unwrap();
            assert_eq!(ways(&view), [(Way::Email, "security@rope.example")]);
            // Once.
            assert_eq!(code(s.registration_check(id, &secret, Check::EmailToken(second)).await), "wrong_token");
            s.registration_check(id, &secret, Check::EmailSend).await.unwrap();
            assert_eq!(code(s.registration_check(id, &secret, Check::EmailSend).await), "too_many_letters");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_lives_a_day_and_nobodys_mailbox_is_filled() {
    let outside = Outside::open();
    outside
        .houses(async |house| {
            let s = &house.service;
            let (id, secret, _) = registers(s, input("security@rope.example")).await;
            s.registration_check(id, &secret, Check::EmailSend).await.unwrap();
            house.work().await;
            let mut tx = house.store.write().await.unwrap();
            let mut row = store::registration::by_id_locked(&mut tx, id).await.unwrap().unwrap();
            let until = row.email_until.unwrap();
            assert!(until > now().plus_seconds(23 * 3_600) && until <= now().plus_days(1));
            row.email_until = Some(now());
            store::registration::put(&mut tx, &row).await.unwrap();
            tx.commit().await.unwrap();
            let old = token(&outside.post);
            assert_eq!(code(s.registration_check(id, &secret, Check::EmailToken(old)).await), "wrong_token");

            // Others with the same contact: the answer is the same, and letters end.
            let mut answers = Vec::new();
            for at in 0..6 {
                let contact = if at % 2 == 0 { "Security@Rope.example" } else { "security+x@rope.example" };
                let (id, secret, _) = registers(s, input(contact)).await;
                let view = s.registration_check(id, &secret, Check::EmailSend).await.unwrap();
                answers.push((view.registration.state, view.registration.email_letters, view.verified.len()));
            }
            assert!(answers.iter().all(|a| *a == (RegistrationState::Open, 1, 0)), "{answers:?}");
            let gone = letters(house, None).await.iter().filter(|l| l.state != LetterState::Dropped).count();
            assert_eq!(gone, ADDRESS_LETTERS_PER_DAY_COUNT_MAX);
            assert_eq!(letters(house, Some(LetterState::Dropped)).await.len(), 2, "coordinators see why");
            // One that got no letter keeps the token that it got before.
            let mut tx = house.store.read().await.unwrap();
            let before = store::registration::by_id(&mut tx, id).await.unwrap().unwrap();
            drop(tx);
            s.registration_check(id, &secret, Check::EmailSend).await.unwrap();
            let mut tx = house.store.read().await.unwrap();
            let after = store::registration::by_id(&mut tx, id).await.unwrap().unwrap();
            drop(tx);
            assert_eq!((after.email_letters, after.email_sealed), (before.email_letters + 1, before.email_sealed));
            // A letter that was not sent yet says nothing of a registration that is over.
            let page = Page::default();
            for open in
                s.registration_list(&house.desk.ctx(), Some(RegistrationState::Open), &page).await.unwrap().items
            {
                s.registration_decline(&house.desk.ctx(), open.registration.id, "not now").await.unwrap();
            }
            house.work().await;
            assert_eq!(letters(house, Some(LetterState::Dropped)).await.len(), 3 + 4);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_in_the_domain_verifies_it() {
    let outside = Outside::open();
    outside
        .houses(async |house| {
            let s = &house.service;
            outside.put("zone.json", "{}");
            let with = |domain: &str| RegistrationInput {
                domain: Some(domain.to_owned()),
                ..input("security@mail.rope.example")
            };
            for other in ["bridge.example", "example", "a.mail.rope.example", "ope.example", "Rope.example"] {
                assert_eq!(code(s.registration_create(with(other)).await), "domain_does_not_fit", "{other}");
            }
            let (id, secret, made) = registers(s, with("rope.example")).await;
            assert_eq!(code(s.registration_check(id, &secret, Check::Dns).await), "not_found_there");
            let (name, challenge) = ("_proofhouse-challenge.rope.example", made.registration.challenge.as_str());
            outside.put("zone.json", &serde_json::json!({name: ["v=spf1 -all", "proofhouse-challenge=0"]}).to_string());
            assert_eq!(code(s.registration_check(id, &secret, Check::Dns).await), "wrong_content");
            let many: Vec<String> =
                (0..30).map(|i| format!("{i} {}", "x".repeat(230))).chain([challenge.to_owned()]).collect();
            outside.put("zone.json", &serde_json::json!({name: many}).to_string());
            let view = s.registration_check(id, &secret, Check::Dns).await.unwrap();
            assert_eq!(ways(&view), [(Way::Dns, "rope.example")]);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_at_the_url_verifies_it_and_nothing_leads_elsewhere() {
    let outside = Outside::open();
    outside
        .houses(async |house| {
            let s = &house.service;
            let file = "proofhouse-challenge.txt";
            let at = |url: String| RegistrationInput { file_url: Some(url), ..input("security@rope.example") };
            for wrong in [
                "https://a.example/other.txt",
                "ftp://a.example/proofhouse-challenge.txt",
                "https://u:p@a.example/proofhouse-challenge.txt",
            ] {
                assert_eq!(code(s.registration_create(at(wrong.to_owned())).await), "invalid_reference", "{wrong}");
            }
            let (id, secret, made) = registers(s, at(outside.url(&format!("/{file}")))).await;
            let _ = std::fs::remove_file(outside.folder.path().join(file));
            assert_eq!(code(s.registration_check(id, &secret, Check::File).await), "not_found_there");
            outside.put(file, &format!("{} and more", made.registration.challenge));
            assert_eq!(code(s.registration_check(id, &secret, Check::File).await), "wrong_content");
            outside.put(file, &format!("{}\n", made.registration.challenge));
            let view = s.registration_check(id, &secret, Check::File).await.unwrap();
            assert_eq!(ways(&view), [(Way::File, outside.url(&format!("/{file}")).as_str())]);

            // Nothing leads elsewhere, and answers end.
            let own = outside.url(&format!("/{file}"));
            let inside = [
                own.as_str(),
                "http://10.0.0.1/x",
                "http://169.254.169.254/latest",
                "http://[fd00::1]/x",
                "http://[::ffff:10.0.0.1]/x",
                "file:///etc/hostname",
            ];
            let mut paths: Vec<String> = inside.iter().map(|to| format!("/to/{to}/{file}")).collect();
            paths.push(format!("/long/{file}"));
            for path in paths {
                let (id, secret, _) = registers(s, at(outside.url(&path))).await;
                assert_eq!(code(s.registration_check(id, &secret, Check::File).await), "not_found_there", "{path}");
            }
            assert_eq!(code(s.registration_check(id, &secret, Check::Dns).await), "no_domain");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_switch_nothing_of_this_machine_is_read() {
    let outside = Outside::open();
    let temp = testkit::sqlite_store();
    let house = House::open(config(home(), &temp), &temp).await;
    let s = &house.service;
    let url = outside.url("/proofhouse-challenge.txt");
    let plain = RegistrationInput { file_url: Some(url.clone()), ..input("security@rope.example") };
    assert_eq!(code(s.registration_create(plain).await), "invalid_reference");
    for host in ["127.0.0.1", "localhost", "[::1]"] {
        let url = format!("https://{host}:{}/proofhouse-challenge.txt", outside.files.port);
        let secure = RegistrationInput { file_url: Some(url), ..input("security@rope.example") };
        let (id, secret, _) = registers(s, secure).await;
        assert_eq!(code(s.registration_check(id, &secret, Check::File).await), "not_found_there");
        assert_eq!(code(s.registration_check(id, &secret, Check::EmailSend).await), "no_mail_server");
    }
    assert_eq!(outside.asked(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_accepts_and_the_first_token_is_given_once() {
    let outside = Outside::open();
    outside
        .houses(async |house| {
            let s = &house.service;
            let with = RegistrationInput { domain: Some("rope.example".to_owned()), ..input("security@rope.example") };
            let (id, secret, made) = registers(s, with).await;
            let desk = house.desk.ctx();
            assert_eq!(code(s.registration_accept(&desk, id, None, None).await), "not_verified");
            let zone = serde_json::json!({"_proofhouse-challenge.rope.example": [made.registration.challenge]});
            outside.put("zone.json", &zone.to_string());
            s.registration_check(id, &secret, Check::Dns).await.unwrap();
            let listed =
                s.registration_list(&desk, Some(RegistrationState::Open), &Page::default()).await.unwrap().items;
            assert_eq!(ways(&listed[0]), [(Way::Dns, "rope.example")]);
            assert!(!format!("{listed:?}").contains(&secret));

            assert_eq!(code(s.registration_token(id, &secret).await), "registration_state");
            let other = Some(vec!["pkg:npm/lodash".parse().unwrap()]);
            assert_eq!(code(s.registration_accept(&desk, id, other, None).await), "unknown_package");
            let keeper = house.maintainer("pkg:npm/else").await;
            let refused = s.registration_accept(&keeper.ctx(), id, None, None).await;
            assert!(matches!(refused, Err(ServiceError::Forbidden(_))), "{refused:?}");
            // A case that is there already is handed over to the new party, if the coordinator says that it knows.
            let case = crate::mail::waits(house, keeper.party).await;
            let listed = s.registration_list(&desk, None, &Page::default()).await.unwrap().items;
            let held = listed[0].held.as_ref().unwrap();
            assert_eq!((held.len(), held[0].package.as_str(), held[0].live_cases), (1, "pkg:npm/rope-bridge", 1));
            assert_eq!(s.registration_show(id, &secret).await.unwrap().held, None, "not for who registers");
            assert_eq!(code(s.registration_accept(&desk, id, None, None).await), "package_held");
            let only = Some(vec!["pkg:npm/rope-bridge".parse().unwrap()]);
            for cases in [None, Some(0), Some(2)] {
                assert_eq!(code(s.registration_accept(&desk, id, only.clone(), cases).await), "package_held");
            }
            let accepted = s.registration_accept(&house.desk.keyed("k", "d"), id, only.clone(), Some(1)).await.unwrap();
            let again = s.registration_accept(&house.desk.keyed("k", "d"), id, only, Some(1)).await.unwrap();
            assert_eq!(accepted.registration.party_id, again.registration.party_id);
            assert_eq!(code(s.registration_accept(&desk, id, None, None).await), "registration_state");
            assert_eq!(code(s.registration_decline(&desk, id, "no").await), "registration_state");
            assert_eq!(code(s.registration_check(id, &secret, Check::Dns).await), "registration_state");
            house.work().await;

            let party = s.party_show(&desk, accepted.registration.party_id.unwrap()).await.unwrap();
            assert_eq!(
                (party.packages.as_slice(), party.party.roles.as_slice()),
                (&["pkg:npm/rope-bridge".to_owned()][..], &[Role::Maintainer][..])
            );
            assert_eq!(party.origin.unwrap().registration_id, Some(id));
            let by_hand = s.party_show(&desk, keeper.party).await.unwrap().origin.unwrap();
            assert_eq!((by_hand.by, by_hand.registration_id), (house.desk.member, None));

            assert_eq!(code(s.registration_token(id, "phr_0").await), "registration");
            let token = s.registration_token(id, &secret).await.unwrap().secret.unwrap();
            assert_eq!(code(s.registration_token(id, &secret).await), "token_given_out");
            let actor = s.authenticate(&token).await.unwrap();
            assert_eq!(Some(actor.party), accepted.registration.party_id);
            s.case_show(&service::Ctx::of(actor), case).await.unwrap();
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_holds_no_secret_learns_nothing_and_all_is_bounded() {
    let outside = Outside::open();
    outside
        .houses(async |house| {
            let s = &house.service;
            let (id, secret, _) = registers(s, input("security@rope.example")).await;
            let (other, others, _) = registers(s, input("security@rope.example")).await;
            let nobody = service::identity::new_id(now()).unwrap();
            for (id, secret) in [(id, others.as_str()), (nobody, &secret), (id, ""), (other, &secret)] {
                assert_eq!(code(s.registration_show(id, secret).await), "registration");
                assert_eq!(code(s.registration_check(id, secret, Check::Dns).await), "registration");
                assert_eq!(code(s.registration_token(id, secret).await), "registration");
            }
            for _ in 0..REGISTRATION_CHECKS_COUNT_MAX {
                assert_eq!(code(s.registration_check(id, &secret, Check::File).await), "no_file_url");
            }
            assert_eq!(code(s.registration_check(id, &secret, Check::File).await), "too_many_checks");
            let wrong = RegistrationInput { packages: Vec::new(), contact: "me".to_owned(), ..input("") };
            let Err(ServiceError::Invalid(violations)) = s.registration_create(wrong).await else { panic!() };
            assert_eq!(violations.iter().map(|v| v.field.as_str()).collect::<Vec<_>>(), ["contact", "packages"]);

            // What nobody decides expires, and then there is room again.
            let mut tx = house.store.write().await.unwrap();
            let row = store::registration::by_id(&mut tx, id).await.unwrap().unwrap();
            for _ in 0..service::registration::REGISTRATIONS_OPEN_COUNT_MAX - 2 {
                let created_at = Timestamp::from_micros(0);
                let old = store::registration::Registration { id: testkit::seed::id(), created_at, ..row.clone() };
                store::registration::insert(&mut tx, &old).await.unwrap();
            }
            tx.commit().await.unwrap();
            // One more takes the place of the oldest of which nothing was verified; where all were, it is refused.
            registers(s, input("security@rope.example")).await;
            let mut tx = house.store.write().await.unwrap();
            let mut page = Page::default();
            let mut open = Vec::new();
            loop {
                let listed = store::registration::list(&mut tx, Some(RegistrationState::Open), &page).await.unwrap();
                open.extend(listed.items.iter().map(|r| r.id));
                let Some(next) = listed.next else { break };
                page.cursor = Some(next);
            }
            assert_eq!(open.len() as i64, service::registration::REGISTRATIONS_OPEN_COUNT_MAX);
            for id in &open {
                let verification = Verification { way: Way::Dns, subject: "rope.example".to_owned(), at: now() };
                store::registration::verify(&mut tx, *id, &verification).await.unwrap();
            }
            tx.commit().await.unwrap();
            let full = s.registration_create(input("security@rope.example")).await;
            assert!(matches!(full, Err(ServiceError::Unavailable(_))), "{full:?}");
            let mut tx = house.store.write().await.unwrap();
            let expired = store::registration::expire(&mut tx, now().plus_days(-30), now().plus_days(-2), now()).await;
            assert_eq!(expired.unwrap() as i64, service::registration::REGISTRATIONS_OPEN_COUNT_MAX - 3);
            tx.commit().await.unwrap();
            registers(s, input("security@rope.example")).await;
        })
        .await;
}
