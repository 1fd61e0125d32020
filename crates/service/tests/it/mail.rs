//! Maintainers are told by e-mail: through another project's mail server, once, and only what is still so.

use std::path::{Path, PathBuf};

use domain::id::{CaseId, PartyId};
use domain::pace::Told;
use domain::party::Role;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use service::mail::{MailConfig, MailError};
use service::pace::PaceInput;
use service::{Service, ServiceError};
use store::Page;
use store::job::Lease;
use store::letter::{Letter, LetterState};
use testkit::peer::Peer;
use testkit::seed;

use crate::house::{House, Player, config, forget, home};

/// A mail server of a test, and what it was sent.
pub struct Post {
    folder: tempfile::TempDir,
    peer: Peer,
    mode: &'static str,
}

impl Post {
    pub fn open(mode: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("box")).unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        std::fs::write(folder.path().join("own.pem"), own.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
        let peer = Self::peer(folder.path(), mode, 0);
        Self { folder, peer, mode }
    }

    fn peer(folder: &Path, mode: &str, port: u16) -> Peer {
        let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let port = port.to_string();
        let mut arguments = vec![path("box"), mode.to_owned(), port];
        if mode != "plain" {
            arguments.extend([path("own.pem"), path("key.pem"), "desk".to_owned(), "open sesame".to_owned()]);
        }
        Peer::start("mail.py", &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The server ended; somebody starts it again where it was.
    fn restart(&mut self) {
        self.peer.ended();
        self.peer = Self::peer(self.folder.path(), self.mode, self.peer.port);
    }

    pub fn config(&self) -> MailConfig {
        let scheme = if self.mode == "tls" { "smtps" } else { "smtp" };
        let secret = (self.mode != "plain").then(|| ("desk".to_owned(), "open sesame".to_owned().into()));
        MailConfig {
            server: format!("{scheme}://localhost:{}", self.peer.port).parse().unwrap(),
            from: "desk@clearing.example".to_owned(),
            login: secret,
            authorities: (self.mode != "plain").then(|| std::fs::read(self.folder.path().join("ca.pem")).unwrap()),
        }
    }

    /// What came, in order: files that end so.
    pub fn kept(&self, kind: &str) -> Vec<String> {
        let files = std::fs::read_dir(self.folder.path().join("box")).unwrap();
        let mut files: Vec<PathBuf> = files.map(|f| f.unwrap().path()).collect();
        files.sort();
        files.retain(|f| f.extension().is_some_and(|e| e == kind));
        files.iter().map(|f| std::fs::read_to_string(f).unwrap().replace("\r\n", "\n")).collect()
    }
}

/// Runs a test body in a clearinghouse on each store that sends through `mail`.
async fn both_houses_with(mail: Option<MailConfig>, body: impl AsyncFn(&House)) {
    for temp in [testkit::sqlite_store(), testkit::postgres_store().await] {
        eprintln!("on {}:", temp.name);
        let mut config = config(home(), &temp);
        config.mail = mail.clone();
        let house = House::open(config, &temp).await;
        body(&house).await;
        assert_eq!(house.service.fsck().await.unwrap(), Vec::<String>::new());
        drop(house);
        forget(&temp).await;
    }
}

const TITLE: &str = "Secret of the rope bridge";

async fn told_at(house: &House, keeper: &Player, to: Option<&str>) {
    let input = PaceInput {
        rate_per_week: None,
        seasons: Vec::new(),
        refuse: false,
        exceptions: true,
        told: if to.is_some() { Told::Email } else { Told::Api },
        told_to: to.map(ToOwned::to_owned),
        embargo_url: None,
        embargo_days: None,
        guests: Vec::new(),
    };
    house.service.pace_set(&keeper.ctx(), keeper.party, input).await.unwrap();
    house.work().await;
}

/// A case that waits for this party, as triage leaves it, without running a proof.
pub async fn waits(house: &House, party: PartyId) -> CaseId {
    let purl = "pkg:npm/rope-bridge";
    let mut tx = house.store.write().await.unwrap();
    let (finder, member) = seed::party(&mut tx, "Finder", &[Role::Finder]).await.unwrap();
    let report = seed::report(&mut tx, finder, member, purl).await.unwrap();
    let finding = seed::finding(&mut tx, &report).await.unwrap();
    let mut case = seed::case_of(purl);
    case.title = TITLE.to_owned();
    case.summary = "The third plank gives way — mind the gap.".to_owned();
    store::case::insert(&mut tx, &case).await.unwrap();
    store::finding::join_case(&mut tx, finding.id, case.id, "laid down", seed::NOW).await.unwrap();
    store::pace::wait_open(&mut tx, case.id, party, service::identity::now()).await.unwrap();
    tx.commit().await.unwrap();
    case.id
}

/// A case that was handed over to a maintainer that is told at this address; its letter was tried once.
async fn handed(house: &House, to: &str) -> (Player, CaseId, Letter) {
    let keeper = house.maintainer("pkg:npm/rope-bridge").await;
    told_at(house, &keeper, Some(to)).await;
    let case = waits(house, keeper.party).await;
    house.again("pace-release", &keeper.party.to_string()).await;
    let letter = letters(house, None).await.remove(0);
    assert_eq!((letter.about.as_str(), letter.party_id), (case.to_string().as_str(), Some(keeper.party)));
    (keeper, case, letter)
}

pub async fn letters(house: &House, state: Option<LetterState>) -> Vec<Letter> {
    house.service.letter_list(&house.desk.ctx(), state, &Page::default()).await.unwrap().items
}

async fn again(house: &House, letter: &Letter) -> Letter {
    house.again("letter-send", &letter.id.to_string()).await;
    letters(house, None).await.into_iter().find(|l| l.id == letter.id).unwrap()
}

pub fn header<'a>(message: &'a str, name: &str) -> &'a str {
    message.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_message_arrives_once_over_tls() {
    for mode in ["starttls", "tls"] {
        let post = Post::open(mode);
        both_houses_with(Some(post.config()), async |house| {
            let before = post.kept("eml").len();
            assert!(house.service.mail_probe().await.unwrap());
            let (keeper, case, letter) = handed(house, "security@keepers.example").await;
            assert_eq!((letter.state, letter.tries, letter.reason.as_deref()), (LetterState::Sent, 1, None));
            assert_eq!(letter.sent_to.as_deref(), Some("security@keepers.example"));
            // A worker that died after the server had it, and before it said so, sends it under the same name.
            again(house, &letter).await;
            let came = post.kept("eml").split_off(before);
            assert_eq!(came.len(), 1, "{came:#?}");
            let message = &came[0];
            assert_eq!((header(message, "X-Secure"), header(message, "X-Login")), ("yes", "desk"));
            assert_eq!(header(message, "Message-ID"), format!("<{}@clearing.example>", letter.id));
            assert_eq!(header(message, "To"), "security@keepers.example");
            assert!(header(message, "Subject").contains(TITLE), "{message}");
            // What is told is the message of the case, in an encoding that every server takes.
            let told = house.service.case_message(&keeper.ctx(), case).await.unwrap();
            assert!(told.text.contains("— mind the gap"));
            let (_, body) = message.split_once("\n\n").unwrap();
            assert_eq!(header(message, "Content-Transfer-Encoding"), "base64");
            assert_eq!(decoded(body), told.text);
        })
        .await;
    }
}

fn decoded(body: &str) -> String {
    use base64::Engine;
    let packed: String = body.split_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(packed).unwrap();
    String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_server_is_asked_again_at_the_address_of_then() {
    let post = Post::open("starttls");
    both_houses_with(Some(post.config()), async |house| {
        let before = post.kept("eml").len();
        let (keeper, _, letter) = handed(house, "busy@keepers.example").await;
        assert_eq!((letter.state, letter.tries), (LetterState::Waiting, 1));
        assert_eq!(letter.reason.as_deref(), Some("sending at the mail server: it answered 451"));
        assert!(house.service.job_next_at().await.unwrap() > Some(service::identity::now().plus_seconds(30)));
        told_at(house, &keeper, Some("security@keepers.example")).await;
        let letter = again(house, &letter).await;
        assert_eq!((letter.state, letter.tries), (LetterState::Sent, 2));
        assert_eq!(header(&post.kept("eml")[before], "To"), "security@keepers.example");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_shown_to_coordinators_without_a_word_of_the_case() {
    let post = Post::open("starttls");
    both_houses_with(Some(post.config()), async |house| {
        let (keeper, _, gone) = handed(house, "gone@keepers.example").await;
        assert_eq!(gone.state, LetterState::Undelivered);
        assert_eq!(gone.reason.as_deref(), Some("the mail server refused the letter (550)"));
        told_at(house, &keeper, Some("echo@keepers.example")).await;
        waits(house, keeper.party).await;
        house.again("pace-release", &keeper.party.to_string()).await;
        let undelivered = letters(house, Some(LetterState::Undelivered)).await;
        assert_eq!(undelivered.len(), 2);
        assert!(undelivered.iter().all(|l| !format!("{l:?}").contains("rope")), "{undelivered:?}");
        let refused = house.service.letter_list(&keeper.ctx(), None, &Page::default()).await;
        assert!(matches!(refused, Err(ServiceError::Forbidden(_))), "{refused:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_is_sent_the_same_letter_again() {
    for temp in [testkit::sqlite_store(), testkit::postgres_store().await] {
        let mut post = Post::open("starttls");
        let mut config = config(home(), &temp);
        config.mail = Some(post.config());
        let house = House::open(config, &temp).await;
        let (_, _, letter) = handed(&house, "dies@keepers.example").await;
        assert_eq!((letter.state, letter.tries), (LetterState::Waiting, 1));
        assert_eq!(letter.reason.as_deref(), Some("sending at the mail server: the connection failed"));
        post.restart();
        assert_eq!(again(&house, &letter).await.state, LetterState::Sent);
        let (lost, came) = (post.kept("lost"), post.kept("eml"));
        assert_eq!((lost.len(), came.len()), (1, 1));
        assert_eq!(header(&lost[0], "Message-ID"), header(&came[0], "Message-ID"));
        drop(house);
        forget(&temp).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_whose_worker_was_killed_is_sent_by_the_next_one() {
    for temp in [testkit::sqlite_store(), testkit::postgres_store().await] {
        let post = Post::open("starttls");
        let mut config = config(home(), &temp);
        config.mail = Some(post.config());
        let house = House::open(config.clone(), &temp).await;
        let keeper = house.maintainer("pkg:npm/rope-bridge").await;
        told_at(&house, &keeper, Some("security@keepers.example")).await;
        let case = waits(&house, keeper.party).await;
        // Handed over and committed; then a worker takes the letter and is never heard of again.
        house.service.case_except(&house.desk.ctx(), case, "seen in attacks").await.unwrap();
        while letters(&house, None).await.is_empty() {
            house.service.worker_step("first").await.unwrap();
        }
        let mut tx = house.store.write().await.unwrap();
        let now = service::identity::now();
        let until = now.plus_seconds(-1);
        let kinds = vec!["letter-send".to_owned()];
        let lease = Lease { worker: "killed".to_owned(), now, until, kinds, limit: 1 };
        assert_eq!(store::job::claim(&mut tx, &lease).await.unwrap().len(), 1);
        tx.commit().await.unwrap();
        drop(house.service);
        assert_eq!(post.kept("eml").len(), 0);
        let service = Service::open(config).await.unwrap();
        while service.worker_step("second").await.unwrap() {}
        assert_eq!(post.kept("eml").len(), 1);
        drop(service);
        forget(&temp).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_letter_goes_in_the_open_or_to_a_stranger() {
    let (plain, good, other) = (Post::open("plain"), Post::open("starttls"), Post::open("starttls"));
    // The authority of a test makes TLS needed on this machine too.
    let open = MailConfig { authorities: good.config().authorities, login: None, ..plain.config() };
    let stranger = MailConfig { authorities: other.config().authorities, ..good.config() };
    let wrong = MailConfig { login: Some(("desk".to_owned(), "guess".to_owned().into())), ..good.config() };
    assert!(!format!("{wrong:?}").contains("guess"));
    let untrusted = "beginning TLS at the mail server: its certificate is not trusted, or it speaks no TLS";
    let refused = "logging in at the mail server: it answered 535";
    for (mail, reason) in [(open, "the mail server offers no TLS"), (stranger, untrusted), (wrong, refused)] {
        both_houses_with(Some(mail), async |house| {
            let failed = house.service.mail_probe().await.unwrap_err();
            assert_eq!(matches!(failed, MailError::NoTls), reason.contains("no TLS") && !reason.contains("trusted"));
            let (_, _, letter) = handed(house, "security@keepers.example").await;
            assert_eq!((letter.state, letter.reason.as_deref()), (LetterState::Waiting, Some(reason)));
        })
        .await;
    }
    assert_eq!(plain.kept("eml").len() + good.kept("eml").len(), 0);
    // In the open on this machine, where nobody named an authority.
    both_houses_with(Some(plain.config()), async |house| {
        let (_, _, letter) = handed(house, "security@keepers.example").await;
        assert_eq!(letter.state, LetterState::Sent);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_longer_so_is_not_told() {
    let post = Post::open("starttls");
    both_houses_with(Some(post.config()), async |house| {
        let (keeper, case, letter) = handed(house, "busy@keepers.example").await;
        told_at(house, &keeper, None).await;
        let dropped = again(house, &letter).await;
        assert_eq!(dropped.state, LetterState::Dropped);
        assert_eq!(dropped.reason.as_deref(), Some("the maintainer is told otherwise by now"));

        // Taken from the maintainer: its one member was read out.
        told_at(house, &keeper, Some("busy@keepers.example")).await;
        let second = waits(house, keeper.party).await;
        house.again("pace-release", &keeper.party.to_string()).await;
        let letter = letters(house, Some(LetterState::Waiting)).await.remove(0);
        let read_in = house.show(&house.desk, second).await;
        let mine = read_in.read_ins.iter().find(|r| r.member_id == keeper.member).unwrap().id;
        house.service.read_in_end(&house.desk.ctx(), second, mine).await.unwrap();
        let reason = again(house, &letter).await.reason;
        assert_eq!(reason.as_deref(), Some("nobody of the maintainer's may read the case any more"));

        let third = waits(house, keeper.party).await;
        house.again("pace-release", &keeper.party.to_string()).await;
        let letter = letters(house, Some(LetterState::Waiting)).await.remove(0);
        house.service.case_merge(&house.desk.ctx(), third, case, "the same").await.unwrap();
        let reason = again(house, &letter).await.reason;
        assert_eq!(reason.as_deref(), Some("the case was over before the letter was sent"));
    })
    .await;
    assert_eq!(post.kept("eml").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_mail_server_it_is_said_that_nobody_is_told() {
    both_houses_with(None, async |house| {
        let s = &house.service;
        assert!(!s.mail_probe().await.unwrap());
        let keeper = house.maintainer("pkg:npm/rope-bridge").await;
        assert_eq!(s.pace_show(&keeper.ctx(), keeper.party).await.unwrap().not_told, None);
        told_at(house, &keeper, Some("security@keepers.example")).await;
        let not_told = s.pace_show(&keeper.ctx(), keeper.party).await.unwrap().not_told;
        assert!(not_told.unwrap().contains("no mail server"), "{not_told:?}");
        waits(house, keeper.party).await;
        let queue = s.pace_queue(&house.desk.ctx(), None).await.unwrap().queued;
        assert_eq!((queue.len(), queue[0].not_told), (1, not_told));
        house.again("pace-release", &keeper.party.to_string()).await;
        let letter = letters(house, Some(LetterState::Undelivered)).await.remove(0);
        assert_eq!(letter.reason.as_deref(), Some("no mail server is set up"));
    })
    .await;
}
