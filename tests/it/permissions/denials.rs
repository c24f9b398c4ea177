//! Advice after a denial: by the call, and by recommendations afterwards.

use serde_json::{Value, json};

use crate::support::graphql::{Age, Stack};
use crate::support::registry::{FakeRegistry, Speaks, Vends};
use crate::support::server::{Answer, Server};
use crate::support::stage::{SHARED, Stage};
use crate::support::{SECRET, token};

const CONTACT: &str = "Data Help <data-help@example.com>";

fn rows(answer: &Answer) -> Vec<Value> {
    answer.success()["recommendations"].as_array().unwrap().clone()
}

/// A denied write is explained once, says whom to ask, and is a recommendation afterwards, for this caller alone.
#[tokio::test]
async fn a_denied_write_leads_to_advice() {
    let stage = Stage::embedded().await;
    stage.seed(SHARED, "there", b"1").await;
    let registry = FakeRegistry::start().await;
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--registry-url={}", registry.url),
        format!("--contact={CONTACT}"),
    ];
    let server = Server::start(&stage, None, &flags).await;
    let caller = |sub: &str| {
        let bearer = token(json!({ "sub": sub }));
        registry.vends(&bearer, Vends::Keys(stage.reader.clone(), 3600));
        registry.speaks(
            &bearer,
            Speaks::Like(Stack::of_alice(Age::Current, false, &[(SHARED, Some("READ"))])),
        );
        bearer
    };
    let (alice, bob) = (caller("alice"), caller("bob"));
    let items = json!([{ "key": "new/a", "text": "x" }, { "key": "new/b", "text": "x" }]);
    let put = server
        .call(
            &alice,
            "bucket_objects_put",
            json!({ "bucket": SHARED, "items": items }),
        )
        .await;
    let denied = put.failure("access_denied");
    let reason = denied["error"].as_str().unwrap();
    assert!(
        reason.contains("s3:PutObject") && reason.contains("assumed-role/reader"),
        "{denied}"
    );
    assert_eq!(
        denied.to_string().matches(" because ").count(),
        1,
        "the reason is said once: {denied}"
    );
    assert_eq!(
        denied["results"][0]["error"],
        format!("S3 denied s3:PutObject on s3://{SHARED}/new/a."),
        "{denied}"
    );
    let hint = denied["hint"].as_str().unwrap();
    assert!(
        hint.starts_with(&format!("Ask {CONTACT} for the right s3:PutObject")),
        "{hint}"
    );

    let advice = rows(&server.call(&alice, "permissions_recommendations", json!({})).await);
    assert_eq!(advice.len(), 2, "{advice:?}");
    let message = advice[0]["message"].as_str().unwrap();
    assert!(
        message.contains(&format!("s3:PutObject on s3://{SHARED}/new/a")),
        "{message}"
    );
    assert_eq!(
        (&advice[0]["category"], &advice[0]["ask"]),
        (&json!("buckets"), &json!(CONTACT))
    );
    assert_eq!(advice[1]["category"], "role");
    assert!(
        advice[1]["message"].as_str().unwrap().contains("Curators"),
        "{advice:?}"
    );
    assert_eq!(
        rows(&server.call(&bob, "permissions_recommendations", json!({})).await),
        [Value::Null; 0]
    );
}

/// Without a contact the advice names the people that there are.
#[tokio::test]
async fn without_a_contact_administrators_are_named() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let server = Server::with_registry(&stage, &registry, None).await;
    let bearer = token(json!({ "sub": "alice" }));
    registry.vends(&bearer, Vends::Keys(stage.reader.clone(), 3600));
    registry.speaks(
        &bearer,
        Speaks::Like(Stack::of_alice(Age::Current, false, &[(SHARED, Some("READ"))])),
    );
    let put = json!({ "bucket": SHARED, "items": [{ "key": "a", "text": "x" }] });
    let denied = server.call(&bearer, "bucket_objects_put", put).await;
    assert!(
        denied.failure("access_denied")["hint"]
            .as_str()
            .unwrap()
            .starts_with("Ask for the right s3:PutObject")
    );
    let advice = rows(&server.call(&bearer, "permissions_recommendations", json!({})).await);
    assert_eq!(
        advice[0]["ask"], "an administrator of the catalog, for the role Tests",
        "{advice:?}"
    );
}
