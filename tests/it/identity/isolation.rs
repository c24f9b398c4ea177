//! Isolation of two users of one process.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt as _;
use quilt_mcp::aws::s3::ObjectUri;
use quilt_mcp::aws::{AwsCaller, AwsErrorKind, Renew, Signing};
use serde_json::json;

use crate::support::registry::{FakeRegistry, Vends};
use crate::support::server::Server;
use crate::support::stage::{SHARED, Stage};
use crate::support::token;

/// Terraform's server bled tokens from one tenant to another here (its issue 395).
#[tokio::test]
async fn a_thousand_alternating_calls_are_each_signed_by_their_own_caller() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let server = Server::with_registry(&stage, &registry, None).await;
    let users: Vec<(String, String)> = ["alice", "bob"]
        .into_iter()
        .map(|name| {
            let (bearer, keys) = (token(json!({ "sub": name })), stage.mint("reader", 3600));
            registry.vends(&bearer, Vends::Keys(keys.clone(), 3600));
            (bearer, keys.access_key_id)
        })
        .collect();
    for name in ["alice", "bob"] {
        stage.seed(SHARED, name, name.as_bytes()).await;
    }
    // The cache is hot from here on.
    for (bearer, _) in &users {
        server.call(bearer, "auth_status", json!({})).await.success();
    }
    stage.aws().journal().clear();

    let calls = (0..1000).map(|i| {
        let (server, user) = (&server, i % 2);
        let (bearer, name) = (&users[user].0, ["alice", "bob"][user]);
        async move {
            let (tool, field) = if i % 4 < 2 {
                ("bucket_object_text", "text")
            } else {
                ("bucket_object_info", "object")
            };
            let answer = server
                .call(bearer, tool, json!({ "s3_uri": format!("s3://{SHARED}/{name}") }))
                .await;
            assert!(answer.success()[field].to_string().contains(name));
        }
    });
    futures::stream::iter(calls)
        .buffer_unordered(100)
        .collect::<Vec<()>>()
        .await;

    let mut signed: BTreeMap<(String, String), usize> = BTreeMap::new();
    for entry in stage.aws().journal().entries() {
        *signed
            .entry((entry.key.unwrap(), entry.access_key_id.unwrap()))
            .or_default() += 1;
    }
    let expected =
        [("alice", &users[0].1), ("bob", &users[1].1)].map(|(name, key)| ((name.to_owned(), key.clone()), 500));
    assert_eq!(signed, BTreeMap::from(expected));
    let vended = registry
        .requests()
        .iter()
        .filter(|path| path.ends_with("get_credentials"))
        .count();
    assert_eq!(vended, 2, "one for each user");
}

/// The subject does not identify a caller: two tokens are two callers.
#[tokio::test]
async fn two_tokens_of_one_subject_share_nothing() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let server = Server::with_registry(&stage, &registry, None).await;
    let (one, two) = (
        token(json!({ "sub": "same" })),
        token(json!({ "sub": "same", "jti": "2" })),
    );
    registry.vends(&one, Vends::Keys(stage.writer.clone(), 3600));
    registry.vends(&two, Vends::Keys(stage.reader.clone(), 3600));
    let arn = async |bearer: &str| {
        server.call(bearer, "auth_status", json!({})).await.success()["aws_arn"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(arn(&one).await.contains("assumed-role/writer/"));
    assert!(arn(&two).await.contains("assumed-role/reader/"));
}

struct NoRenewal;

#[async_trait]
impl Renew for NoRenewal {
    async fn renew(&self, _: &str) -> Option<Signing> {
        None
    }
}

/// The shared client has no identity of its own: each request is signed by the credentials of its handle, whichever
/// handle was used before. aws-sdk-rust sends one user's request as another when the client's identity cache is left on.
#[tokio::test]
async fn handles_on_one_client_do_not_share_an_identity() {
    let stage = Stage::embedded().await;
    stage.seed(SHARED, "k", b"1").await;
    stage.aws().journal().clear();
    let shared = stage.shared_s3();
    let object: ObjectUri = format!("s3://{SHARED}/k").parse().unwrap();
    let keys = [stage.mint("reader", 3600), stage.mint("reader", 3600)];
    let handles = keys.each_ref().map(|keys| {
        let signing = Signing {
            credentials: keys.credentials(),
            expires_at: None,
        };
        shared.acting_as(AwsCaller::new(signing, &keys.access_key_id, Arc::new(NoRenewal)))
    });
    for i in 0..6 {
        handles[i % 2].head(&object).await.unwrap();
    }
    let signed: Vec<String> = stage
        .aws()
        .journal()
        .entries()
        .into_iter()
        .filter_map(|e| e.access_key_id)
        .collect();
    let expected: Vec<&str> = (0..6).map(|i| keys[i % 2].access_key_id.as_str()).collect();
    assert_eq!(signed, expected);

    let anonymous = Signing {
        credentials: quilt_credentials("AKIANOBODYNOBODYNOBO"),
        expires_at: None,
    };
    let error = shared
        .acting_as(AwsCaller::new(anonymous, "n", Arc::new(NoRenewal)))
        .head(&object)
        .await
        .unwrap_err();
    assert_eq!(error.kind, AwsErrorKind::InvalidCredentials);
}

fn quilt_credentials(id: &str) -> aws_credential_types::Credentials {
    aws_credential_types::Credentials::new(id, "wrong", None, None, "test")
}
