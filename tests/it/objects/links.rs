//! Links to objects end with the credentials that signed them, with the caller's token, and under ambient credentials within
//! five minutes.

use jiff::{SignedDuration, Timestamp};
use quilt_mcp::clock::Clock;
use serde_json::{Value, json};

use crate::support::registry::{FakeRegistry, Vends};
use crate::support::server::Server;
use crate::support::stage::{SHARED, Stage};
use crate::support::{SECRET, now, token};

/// Asks for a link of this many seconds; returns the result and the seconds that the link lives.
async fn link(server: &Server, bearer: &str, expiration: i64) -> (Value, i64) {
    let arguments = json!({ "s3_uri": format!("s3://{SHARED}/there"), "expiration": expiration });
    let answer = server.call(bearer, "bucket_object_link", arguments).await;
    let output = answer.success().clone();
    let end: Timestamp = output["expires_at"].as_str().unwrap().parse().unwrap();
    let url: url::Url = output["url"].as_str().unwrap().parse().unwrap();
    let signed = url.query_pairs().find(|(name, _)| name == "X-Amz-Expires").unwrap().1;
    let life = end.duration_since(Clock::system().now()).as_secs();
    let signed: i64 = signed.parse().unwrap();
    assert!((signed - life).abs() <= 2, "S3 is told the same: {signed} {output}");
    (output, signed)
}

fn capped_by(output: &Value) -> (bool, Option<&str>) {
    (output["capped"].as_bool().unwrap(), output["capped_by"].as_str())
}

#[tokio::test]
async fn a_link_ends_with_the_token() {
    let stage = Stage::embedded().await;
    stage.seed(SHARED, "there", b"1").await;
    let registry = FakeRegistry::start().await;
    let server = Server::with_registry(&stage, &registry, None).await;
    let short = token(json!({ "sub": "a", "exp": now() + 60 }));
    let long = token(json!({ "sub": "a", "exp": now() + 7200 }));
    for bearer in [&short, &long] {
        registry.vends(bearer, Vends::Keys(stage.reader.clone(), 3600));
    }
    let (output, life) = link(&server, &short, 604_800).await;
    assert_eq!(capped_by(&output), (true, Some("token")));
    assert!((55..=60).contains(&life), "{life}");
    let (output, life) = link(&server, &short, 30).await;
    assert_eq!((capped_by(&output), life), ((false, None), 30));
    let (output, life) = link(&server, &long, 604_800).await;
    assert_eq!(capped_by(&output), (true, Some("credentials")));
    assert!((3590..=3600).contains(&life), "{life}");
}

#[tokio::test]
async fn a_link_of_long_term_keys_in_a_token_ends_with_the_token() {
    let stage = Stage::embedded().await;
    stage.seed(SHARED, "there", b"1").await;
    let server = Server::start(&stage, None, &[format!("--jwt-secret={SECRET}")]).await;
    let keys =
        json!({ "access_key_id": stage.admin.access_key_id, "secret_access_key": stage.admin.secret_access_key });
    let bearer = token(json!({ "sub": "a", "exp": now() + 90, "aws_credentials": keys }));
    let (output, life) = link(&server, &bearer, 3600).await;
    assert!(output["capped"] == true && life <= 90, "{output}");
}

#[tokio::test]
async fn a_link_of_ambient_credentials_ends_within_five_minutes() {
    let stage = Stage::embedded().await;
    stage.seed(SHARED, "there", b"1").await;
    let server = Server::start(&stage, Some(&stage.admin), &[format!("--jwt-secret={SECRET}")]).await;
    let short = token(json!({ "sub": "a", "exp": now() + 60 }));
    let long = token(json!({ "sub": "a", "exp": now() + 7200 }));
    let (output, life) = link(&server, &long, 604_800).await;
    assert_eq!((capped_by(&output), life), ((true, Some("ambient_credentials")), 300));
    let (output, life) = link(&server, &short, 604_800).await;
    assert_eq!(capped_by(&output), (true, Some("token")));
    assert!(life <= 60, "{life}");
    let (output, life) = link(&server, &long, 300).await;
    assert_eq!((capped_by(&output), life), ((false, None), 300));

    let anonymous = Server::start(&stage, Some(&stage.admin), &["--anonymous".to_owned()]).await;
    let arguments = json!({ "s3_uri": format!("s3://{SHARED}/there"), "expiration": 604_800 });
    let answer = anonymous
        .rpc(
            None,
            "tools/call",
            json!({ "name": "bucket_object_link", "arguments": arguments }),
        )
        .await;
    let end: Timestamp = answer.success()["expires_at"].as_str().unwrap().parse().unwrap();
    assert!(end.duration_since(Clock::system().now()) <= SignedDuration::from_mins(5));
}

/// The pages are those that Quilt's catalog has for objects.
#[tokio::test]
async fn the_catalogs_page_of_an_object_is_named() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    registry.configures(&json!({ "registryUrl": "/", "mode": "PRODUCT" }));
    let reader = token(json!({ "sub": "reader" }));
    registry.vends(&reader, Vends::Keys(stage.reader.clone(), 3600));
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--catalog-url={}", registry.url),
    ];
    let server = Server::start(&stage, None, &flags).await;
    let page = async |key: &str, version: &str| {
        stage.seed(SHARED, key, b"1").await;
        let s3_uri = format!("s3://{SHARED}/{}{version}", quilt_format::percent::quote(key));
        let answer = server
            .call(&reader, "bucket_object_info", json!({ "s3_uri": s3_uri }))
            .await;
        let output = answer.success().clone();
        let page = output.get("catalog_url").map(|url| url.as_str().unwrap().to_owned());
        (page, output["object"]["version_id"].as_str().unwrap().to_owned())
    };
    let base = format!("{}/b/{SHARED}/tree", registry.url.trim_end_matches('/'));
    let (url, _) = page("a b/ü+1#.txt", "").await;
    assert_eq!(url.unwrap(), format!("{base}/a%20b/%C3%BC%2B1%23.txt"));
    let (url, version) = page("k", &format!("?versionId={}", page("k", "").await.1)).await;
    assert_eq!(url.unwrap(), format!("{base}/k?version={version}"));
    assert_eq!(page("a/../b", "").await.0, None, "a browser would open another page");
}
