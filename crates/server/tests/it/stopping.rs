//! Stopping: what is open finishes, nothing new begins.

use serde_json::json;
use testkit::clearinghouse::{Clearinghouse, both_clearinghouses};
use testkit::http::{connect, read};
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn a_request_that_is_open_is_answered_before_the_server_stops() {
    both_clearinghouses(async |_| {}).await;
    for temp in [testkit::sqlite_store(), testkit::postgres_store().await] {
        let house = Clearinghouse::start(temp).await;
        let address = house.address;
        let body = json!({"purl": "pkg:npm/x"}).to_string();
        let ask = house.ask("POST", "/v1/reports").token(&house.admin).header("content-type", "application/json");
        let head = ask.header("content-length", &body.len().to_string()).head();
        let mut stream = connect(address).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body.as_bytes()[..3]).await.unwrap();
        // The server has the head for sure once it has answered a later request.
        house.ask("GET", "/healthz").expect(200).await;
        let service = house.service.clone();
        let stopping = tokio::spawn(house.stop());
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        stream.write_all(&body.as_bytes()[3..]).await.unwrap();
        let reply = read(stream).await;
        assert_eq!(reply.status, 202, "{}", reply.text());
        stopping.await.unwrap();
        let receipt = reply.json()["receipt"].as_str().unwrap().to_owned();
        drop((service, receipt));
    }
}

#[tokio::test]
async fn workers_stop_between_steps_and_take_up_what_is_left() {
    for temp in [testkit::sqlite_store(), testkit::postgres_store().await] {
        let house = Clearinghouse::start_with(temp, |config| config.workers = 2).await;
        let receipt = house.post("/v1/reports", &house.admin, &json!({"purl": "pkg:npm/x"})).expect(202).await.json();
        let target = format!("/v1/submissions/{}", receipt["receipt"].as_str().unwrap());
        loop {
            let status = house.ask("GET", &target).expect(200).await.json();
            if status["status"] == "done" {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        house.stop().await;
    }
}
