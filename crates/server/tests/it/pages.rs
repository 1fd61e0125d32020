//! The pages: what each reader sees, that nothing foreign runs in them, and logging in.

use domain::party::Role;
use serde_json::json;
use testkit::clearinghouse::{Clearinghouse, Participant, both_clearinghouses, both_clearinghouses_with};

use crate::authorisation::published;

async fn page(house: &Clearinghouse, target: &str, who: Option<&Participant>, status: u16) -> String {
    let ask = house.ask("GET", target);
    let ask = match who {
        Some(who) => ask.header("cookie", &format!("proofhouse={}", who.token)),
        None => ask,
    };
    let reply = ask.expect(status).await;
    let policy = reply.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(reply.header("x-frame-options"), Some("DENY"));
    let text = reply.text();
    assert!(!text.contains("<script") && !text.contains(" style=") && !text.contains("http://"), "{target}");
    text
}

#[tokio::test]
async fn each_reader_sees_its_part_of_a_case() {
    both_clearinghouses(async |house| {
        let finder = house.participant("Finder", &[Role::Finder], &[]).await;
        let keeper = house.participant("Keeper", &[Role::Maintainer], &["pkg:npm/minimist"]).await;
        let hospital = house.participant("Hospital", &[Role::Operator], &[]).await;
        let bank = house.participant("Bank", &[Role::Operator], &[]).await;
        let staff = Participant { token: house.admin.clone(), ..finder.clone() };
        let name = published(house, &finder, &keeper, &hospital).await;
        let advisory = house.ask("GET", &format!("/v1/advisories/{name}")).expect(200).await.json();
        let target = format!("/cases/{}", advisory["case"].as_str().unwrap());

        let public = page(house, &target, None, 200).await;
        assert!(public.contains("Prototype pollution through zipObjectDeep") && public.contains("4.17.15: fired"));
        assert!(public.contains("Deadlines") && public.contains("Publicly exposed") && public.contains("by analogy"));
        assert!(public.contains(&format!("/v1/advisories/{name}/csaf.sig")) && public.contains("TLP:CLEAR"));
        assert!(
            !public.contains("Hospital")
                && !public.contains("pump gateway")
                && !public.contains("Reports that are this case")
        );
        let own = page(house, &target, Some(&hospital), 200).await;
        assert!(own.contains("pump gateway") && own.contains("Your notices"));
        assert!(!page(house, &target, Some(&bank), 200).await.contains("pump gateway"));
        let all = page(house, &target, Some(&staff), 200).await;
        assert!(all.contains("Hospital") && all.contains("pump gateway") && all.contains("Reports that are this case"));
        assert!(all.contains("opened by this finding"), "the reason of the join");

        let notices = page(house, "/notices", Some(&hospital), 200).await;
        assert!(notices.contains("pump gateway") && notices.contains("minimist@4.17.15"));
        assert!(page(house, "/notices", Some(&bank), 200).await.contains("Nothing to do"));
        let front = page(house, "/", None, 200).await;
        assert!(front.contains(&name) && !front.contains("Queue"));
        assert!(page(house, "/", Some(&staff), 200).await.contains("Queue"));
        assert!(page(house, &format!("/advisories/{name}"), None, 200).await.contains("Upgrade to 4.17.20 or later"));
        page(house, "/advisories/PH-2026-nothing0", None, 404).await;
    })
    .await;
}

#[tokio::test]
async fn what_strangers_write_is_shown_as_text() {
    both_clearinghouses(async |house| {
        let finder = house.participant("<script>alert(1)</script>", &[Role::Finder], &[]).await;
        let keeper = house.participant("Keeper", &[Role::Maintainer], &["pkg:npm/minimist"]).await;
        let runner = house.participant("Runner", &[Role::Operator], &[]).await;
        let name = published(house, &finder, &keeper, &runner).await;
        let text = json!({"title": "<img src=x onerror=alert(1)>", "summary": "\"><script>alert(2)</script>"});
        house.post(&format!("/v1/advisories/{name}/revise"), &house.admin, &text).expect(200).await;
        let shown = page(house, &format!("/advisories/{name}"), None, 200).await;
        assert!(
            !shown.contains("<img src=x") && shown.contains("&#60;img src=x") || shown.contains("&lt;img src=x"),
            "{shown}"
        );
        let advisory = house.ask("GET", &format!("/v1/advisories/{name}")).expect(200).await.json();
        page(house, &format!("/cases/{}", advisory["case"].as_str().unwrap()), None, 200).await;
        page(house, "/", None, 200).await;
    })
    .await;
}

#[tokio::test]
async fn a_token_logs_in_and_out_of_the_pages_and_of_nothing_else() {
    both_clearinghouses(async |house| {
        let operator = house.participant("Hospital", &[Role::Operator], &[]).await;
        let away = house.ask("GET", "/notices").expect(303).await;
        assert_eq!(away.header("location"), Some("/login?next=/notices"));
        assert!(page(house, "/login?next=/notices", None, 200).await.contains("value=\"/notices\""));
        assert!(page(house, "/login?next=//evil.example", None, 200).await.contains("value=\"/\""));
        let form = |token: &str| format!("next=%2Fnotices&token={token}");
        let post =
            |body: String| house.ask("POST", "/login").body("application/x-www-form-urlencoded", body.as_bytes());
        let wrong = post(form("pht_wrong")).expect(401).await;
        assert!(wrong.header("set-cookie").is_none() && wrong.text().contains("not valid"));
        let right = post(form(&operator.token)).expect(303).await;
        assert_eq!(right.header("location"), Some("/notices"));
        let cookie = right.header("set-cookie").unwrap();
        assert!(
            cookie.contains("HttpOnly")
                && cookie.contains("SameSite=Strict")
                && cookie.contains("Path=/")
                && !cookie.contains("Secure")
        );
        let pair = cookie.split(';').next().unwrap();
        house.ask("GET", "/notices").header("cookie", pair).expect(200).await;
        // The cookie is no token of the API, so no foreign page can act through it.
        house.ask("GET", "/v1/notices").header("cookie", pair).expect(401).await;
        let foreign = post(form(&operator.token)).header("origin", "https://evil.example").expect(403).await;
        assert!(foreign.header("set-cookie").is_none());
        let out = house.ask("POST", "/logout").header("cookie", pair).expect(303).await;
        assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
        house.ask("GET", "/logout").expect(405).await;
    })
    .await;
}

#[tokio::test]
async fn behind_tls_cookies_are_secure_and_browsers_stay() {
    both_clearinghouses_with(
        |config| config.public_url = Some("https://clearing.example".to_owned()),
        async |house| {
            let body = format!("token={}", house.admin);
            let reply = house
                .ask("POST", "/login")
                .body("application/x-www-form-urlencoded", body.as_bytes())
                .expect(303)
                .await;
            let cookie = reply.header("set-cookie").unwrap();
            assert!(cookie.starts_with("__Host-proofhouse=") && cookie.contains("Secure"));
            assert_eq!(reply.header("strict-transport-security"), Some("max-age=31536000"));
        },
    )
    .await;
}
