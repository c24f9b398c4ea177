//! The SeaweedFS of other tests: ready when it says so, refusing where it should, and gone at the end.

use std::net::TcpStream;

use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Builder, Region};
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use serde_json::{Value, json};

use crate::support::seaweedfs::SeaweedFs;

const ACCOUNT: &str = "123456789012";

fn iam() -> Value {
    json!({
        "sts": { "tokenDuration": "1h", "maxSessionLength": "12h", "issuer": "test", "accountId": ACCOUNT,
            "signingKey": "YSBzaWduaW5nIGtleSBvZiB0aGlydHktdHdvIGJ5dGU=" },
        "policy": { "defaultEffect": "Deny", "storeType": "memory" },
        "roleStore": { "storeType": "memory" },
        "roles": [], "policies": [], "providers": []
    })
}

fn users() -> Value {
    let user = |name: &str, actions: &[&str]| {
        json!({ "name": name, "actions": actions, "account": { "id": ACCOUNT, "displayName": name },
            "credentials": [{ "accessKey": format!("TEST{name}"), "secretKey": format!("{name}-secret") }] })
    };
    json!({ "identities": [user("admin", &["Admin", "Read", "Write", "List"]), user("stranger", &[])] })
}

fn client(endpoint: &str, user: &str) -> Client {
    let credentials = Credentials::new(format!("TEST{user}"), format!("{user}-secret"), None, None, "test");
    let config = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .credentials_provider(credentials);
    Client::from_conf(config.build())
}

#[tokio::test]
async fn an_admin_writes_a_stranger_does_not_and_then_it_is_gone() -> anyhow::Result<()> {
    let seaweedfs = SeaweedFs::start(&iam(), &users())?;
    let (admin, stranger) = (
        client(&seaweedfs.endpoint, "admin"),
        client(&seaweedfs.endpoint, "stranger"),
    );

    admin.create_bucket().bucket("smoke").send().await?;
    let put = admin
        .put_object()
        .bucket("smoke")
        .key("ä b")
        .body(b"hello".to_vec().into())
        .send()
        .await;
    assert!(put.is_ok(), "{put:?}\n{}", seaweedfs.log());
    let got = admin.get_object().bucket("smoke").key("ä b").send().await?;
    assert_eq!(got.body.collect().await?.to_vec(), b"hello");

    let refused = stranger
        .get_object()
        .bucket("smoke")
        .key("ä b")
        .send()
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Some("AccessDenied"), "{refused:?}");

    let address = seaweedfs.endpoint.trim_start_matches("http://").to_owned();
    assert!(TcpStream::connect(&address).is_ok());
    drop(seaweedfs);
    assert!(TcpStream::connect(&address).is_err(), "it still listens");
    Ok(())
}
