//! The API's description covers every route, every status and every limit.

use testkit::clearinghouse::both_clearinghouses;

#[tokio::test]
async fn every_operation_is_described_in_full() {
    both_clearinghouses(async |house| {
        let reply = house.ask("GET", "/openapi.json").expect(200).await;
        let described = reply.json();
        assert!(described["openapi"].as_str().unwrap().starts_with("3.1"));
        assert_eq!(described["info"]["title"], "Proofhouse");
        let mut names = Vec::new();
        for (path, item) in described["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let what = format!("{method} {path}");
                names.push(operation["operationId"].as_str().unwrap().to_owned());
                assert!(
                    operation["summary"].as_str().or(operation["description"].as_str()).is_some(),
                    "{what} says nothing"
                );
                let responses = operation["responses"].as_object().unwrap();
                assert!(responses.contains_key("500"), "{what}");
                for (status, response) in responses {
                    let is_refusal = status.starts_with('4') || status.starts_with('5');
                    let has_problem = response["content"]["application/problem+json"].is_object();
                    assert_eq!(is_refusal, has_problem, "{what} {status}");
                }
                let is_bearers = operation["security"][0]["bearer"].is_array();
                if path.starts_with("/v1/") && method == "post" && is_bearers {
                    let headers = operation["parameters"].as_array().unwrap();
                    assert!(headers.iter().any(|p| p["name"] == "Idempotency-Key"), "{what}");
                }
                let is_open = operation["security"].is_null();
                assert_eq!(is_open, !responses.contains_key("401"), "{what}");
            }
        }
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count, "operation ids are unique");
        let about = described["info"]["description"].as_str().unwrap();
        for limit in [
            server::limits::JSON_BODY_BYTES_MAX,
            server::limits::REPORT_BODY_BYTES_MAX,
            server::limits::JSON_LEVELS_MAX,
        ] {
            assert!(about.contains(&limit.to_string()), "{limit} is not in the description");
        }
    })
    .await;
}

#[tokio::test]
async fn every_reference_leads_somewhere_and_inputs_are_closed() {
    both_clearinghouses(async |house| {
        let described = house.ask("GET", "/openapi.json").expect(200).await.json();
        let text = described.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(described.pointer(reference).is_some(), "{reference}");
        }
        for name in ["ClaimTake", "Scope", "Tags", "Report", "ReportAttachment", "CaseMerge"] {
            let schema = &described["components"]["schemas"][name];
            let is_closed = |s: &serde_json::Value| s["additionalProperties"] == false;
            let alternatives = schema["oneOf"].as_array();
            assert!(alternatives.map_or(is_closed(schema), |all| all.iter().all(is_closed)), "{name}: {schema}");
        }
    })
    .await;
}

/// A route that is not registered together with its description would be invisible to every test
/// that walks the description, so there is no other way to register one.
#[test]
fn no_api_route_is_registered_without_its_description() {
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/http"))];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(!text.contains(".route("), "{} registers a route past the description", path.display());
        }
    }
    assert!(files > 20);
}
