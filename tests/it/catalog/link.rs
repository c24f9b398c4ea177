//! `catalog_link`, in both directions.

use serde_json::{Value, json};

use super::{link_of, refusal};
use crate::support::on_dev::OnDev;
use crate::support::server::Server;
use crate::support::stage::Stage;
use crate::support::{SECRET, token};

const HASH: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// What is linked to, the path of its page, its package URI, and what the page is read as.
fn cases() -> Vec<(Value, String, Option<String>, Value)> {
    let with = |mut base: Value, more: &Value| {
        let base_map = base.as_object_mut().unwrap();
        base_map.extend(more.as_object().unwrap().clone());
        base
    };
    let bucket = json!({ "bucket": "b-one" });
    let package = json!({ "bucket": "b-one", "name": "team/pkg" });
    let of_bucket = |more: Value| with(bucket.clone(), &more);
    let of_package = |more: Value| with(package.clone(), &more);
    let uri = |rest: &str| Some(format!("quilt+s3://b-one#package=team/pkg{rest}"));
    let odd = "a b/50%+#?=&ü//x";
    let odd_path = "a%20b/50%25%2B%23%3F%3D%26%C3%BC//x";
    vec![
        (bucket.clone(), "/b/b-one".to_owned(), None, bucket.clone()),
        (
            of_bucket(json!({ "key": odd })),
            format!("/b/b-one/tree/{odd_path}"),
            None,
            of_bucket(json!({ "key": odd, "s3_uri": "s3://b-one/a%20b/50%25%2B%23%3F%3D%26%C3%BC//x" })),
        ),
        (
            of_bucket(json!({ "key": "k", "version_id": "v1" })),
            "/b/b-one/tree/k?version=v1".to_owned(),
            None,
            of_bucket(json!({ "key": "k", "version_id": "v1", "s3_uri": "s3://b-one/k?versionId=v1" })),
        ),
        (
            of_bucket(json!({ "key": "raw/2026/" })),
            "/b/b-one/tree/raw/2026/".to_owned(),
            None,
            of_bucket(json!({ "prefix": "raw/2026/" })),
        ),
        (
            of_package(json!({})),
            "/b/b-one/packages/team/pkg".to_owned(),
            uri(""),
            of_package(json!({})),
        ),
        (
            of_package(json!({ "hash": HASH })),
            format!("/b/b-one/packages/team/pkg/tree/{HASH}"),
            uri(&format!("@{HASH}")),
            of_package(json!({ "hash": HASH })),
        ),
        (
            of_package(json!({ "hash": "1600000000" })),
            "/b/b-one/packages/team/pkg/tree/1600000000".to_owned(),
            uri(":1600000000"),
            of_package(json!({ "tag": "1600000000" })),
        ),
        (
            of_package(json!({ "path": odd })),
            format!("/b/b-one/packages/team/pkg/tree/latest/{odd_path}"),
            uri("&path=a%20b%2F50%25%2B%23%3F%3D%26%C3%BC%2F%2Fx"),
            of_package(json!({ "path": odd })),
        ),
        (
            of_package(json!({ "hash": HASH, "other_hash": "latest" })),
            format!("/b/b-one/packages/team/pkg/compare/{HASH}/latest/"),
            None,
            of_package(json!({ "hash": HASH, "other_hash": "latest" })),
        ),
        (
            json!({ "query": "a b", "kind": "objects", "bucket": "b-one" }),
            "/search?q=a+b&t=o&b=b-one".to_owned(),
            None,
            json!({ "query": "a b", "search_kind": "objects", "buckets": ["b-one"] }),
        ),
        (
            json!({ "query_id": "11111111-2222-3333-4444-555555555555", "workgroup": "w-1" }),
            "/queries/athena/w-1/11111111-2222-3333-4444-555555555555".to_owned(),
            None,
            json!({ "query_id": "11111111-2222-3333-4444-555555555555", "workgroup": "w-1" }),
        ),
    ]
}

#[tokio::test]
async fn a_link_is_made_and_read_back() {
    let scene = OnDev::new().await;
    let catalog = &scene.dev.backend.info.catalog_url;
    for (arguments, path, uri, parts) in cases() {
        let made = link_of(&scene, arguments.clone()).await;
        assert_eq!(made["url"], format!("{catalog}{path}"), "{arguments}");
        assert_eq!(made["uri"].as_str().map(str::to_owned), uri, "{arguments}");
        assert_eq!(made.get("is_this_catalog"), None);
        for link in [Some(made["url"].clone()), uri.map(Value::from)].into_iter().flatten() {
            let read = link_of(&scene, json!({ "url": link })).await;
            assert_eq!((&read["kind"], &read["url"]), (&made["kind"], &made["url"]), "{link}");
            for (name, value) in parts.as_object().unwrap() {
                assert_eq!(&read[name], value, "{link} {name}: {read}");
            }
        }
    }
}

#[tokio::test]
async fn what_people_paste_is_read() {
    let scene = OnDev::new().await;
    let catalog = &scene.dev.backend.info.catalog_url;
    for (url, kind, parts) in [
        (
            format!("  {catalog}/b/b-one/  "),
            "bucket",
            json!({ "bucket": "b-one", "is_this_catalog": true }),
        ),
        ("s3://b-one".to_owned(), "bucket", json!({ "bucket": "b-one" })),
        ("s3://b-one/raw/".to_owned(), "prefix", json!({ "prefix": "raw/" })),
        (
            "s3://b-one/a%20b?versionId=v".to_owned(),
            "object",
            json!({ "key": "a b", "version_id": "v", "url": format!("{catalog}/b/b-one/tree/a%20b?version=v") }),
        ),
        (
            "quilt+s3://b-one#package=team/pkg:latest&path=x&catalog=elsewhere.example.com".to_owned(),
            "file",
            json!({ "name": "team/pkg", "path": "x", "is_this_catalog": false }),
        ),
        (
            format!("{catalog}/b/b-one/packages/team/pkg/revisions?p=2"),
            "revisions",
            json!({ "name": "team/pkg" }),
        ),
        (
            format!("{catalog}/b/b-one/queries/athena/wg/id"),
            "query",
            json!({ "bucket": "b-one", "workgroup": "wg", "query_id": "id" }),
        ),
        (
            format!("{catalog}/search?q=x&t=p&b=b-one,b-two&meta.e%2Flab=%22A%22"),
            "search",
            json!({ "query": "x", "search_kind": "packages", "buckets": ["b-one", "b-two"],
                "parameters": { "meta.e/lab": "\"A\"" } }),
        ),
        (
            format!("{catalog}/uri/quilt%2Bs3%3A%2F%2Fb-one%23package%3Dteam%2Fpkg%40{HASH}"),
            "package",
            json!({ "hash": HASH, "is_this_catalog": true }),
        ),
        (format!("{catalog}/admin"), "other", json!({ "is_this_catalog": true })),
    ] {
        let read = link_of(&scene, json!({ "url": url })).await;
        assert_eq!(read["kind"], kind, "{url}: {read}");
        for (name, value) in parts.as_object().unwrap() {
            assert_eq!(&read[name], value, "{url} {name}: {read}");
        }
    }
    // A page of another catalog has no page here, and the other catalog is not asked.
    let read = link_of(&scene, json!({ "url": "https://other.invalid/b/b-one/tree/k" })).await;
    assert_eq!(
        (&read["kind"], &read["key"], &read["is_this_catalog"]),
        (&json!("object"), &json!("k"), &json!(false))
    );
    assert_eq!(read.get("url"), None);
    assert!(read["warnings"].to_string().contains("another catalog"), "{read}");
}

#[tokio::test]
async fn what_names_no_page_is_refused_in_one_sentence() {
    let scene = OnDev::new().await;
    for (arguments, part) in [
        (json!({}), "expected what to link to"),
        (json!({ "url": "s3://b-one/k", "bucket": "b-one" }), "url is read alone"),
        (json!({ "url": "b-one/k" }), "expected a URL of the catalog"),
        (json!({ "url": "ftp://b-one/k" }), "expected a URL of the catalog"),
        (json!({ "url": "https://c.example.com/b/b/tree/%FF" }), "UTF-8"),
        (json!({ "url": "quilt+s3://b-one" }), "names no package"),
        (json!({ "key": "k" }), "Argument bucket: this link needs it"),
        (json!({ "bucket": "b-one", "name": "pkg" }), "namespace/name"),
        (
            json!({ "bucket": "b-one", "key": "k", "hash": HASH }),
            "Argument hash: it does not belong to a link to an object",
        ),
        (json!({ "bucket": "b-one", "version_id": "v" }), "Argument version_id"),
        (
            json!({ "bucket": "b-one", "name": "team/pkg", "hash": "latest~1" }),
            "package_versions",
        ),
        (
            json!({ "bucket": "b-one", "name": "team/pkg", "path": "x", "other_hash": HASH }),
            "Argument path: a comparison",
        ),
        (json!({ "query_id": "x" }), "Argument workgroup: a query needs it"),
    ] {
        let sentence = refusal(&scene, arguments.clone()).await;
        assert!(sentence.contains(part), "{arguments}: {sentence}");
        assert_eq!(sentence.matches(". ").count(), 0, "{sentence}");
    }
}

/// A browser would open another page, so there is no link.
#[tokio::test]
async fn dot_segments_have_no_page() {
    let scene = OnDev::new().await;
    let made = link_of(&scene, json!({ "bucket": "b-one", "key": "a/../b" })).await;
    assert_eq!(made.get("url"), None);
    assert_eq!(made["s3_uri"], "s3://b-one/a/../b");
    assert!(made["warnings"].to_string().contains("Browsers resolve"), "{made}");
}

/// The catalog is that of the token, if the operator allows it, and URIs are made without one.
#[tokio::test]
async fn the_catalog_is_the_callers() {
    let stage = Stage::embedded().await;
    let secret = format!("--jwt-secret={SECRET}");
    let plain = token(json!({ "sub": "x" }));
    let named = token(json!({ "sub": "x", "catalog_url": "https://own.example.com" }));
    let other = token(json!({ "sub": "x", "catalog_url": "https://evil.example.com" }));
    let flags = [
        secret.clone(),
        "--catalog-url=https://c.example.com/stack".to_owned(),
        "--allowed-registries=own.example.com".to_owned(),
    ];
    let server = Server::start(&stage, None, &flags).await;
    let package = json!({ "bucket": "b-one", "name": "team/pkg" });
    for (bearer, url) in [
        (&plain, json!("https://c.example.com/stack/b/b-one/packages/team/pkg")),
        (&named, json!("https://own.example.com/b/b-one/packages/team/pkg")),
        (&other, Value::Null),
    ] {
        let answer = server.call(bearer, "catalog_link", package.clone()).await;
        assert_eq!(answer.success()["url"], url);
    }
    let read = json!({ "url": "http://c.example.com/stack/b/b-one" });
    let answer = server.call(&plain, "catalog_link", read.clone()).await;
    assert_eq!(answer.success()["is_this_catalog"], true);
    let answer = server.call(&named, "catalog_link", read.clone()).await;
    assert_eq!(answer.success()["is_this_catalog"], false);

    let server = Server::start(&stage, None, &[secret]).await;
    let answer = server.call(&plain, "catalog_link", package).await;
    let made = answer.success();
    assert_eq!(made["uri"], "quilt+s3://b-one#package=team/pkg");
    assert!(made["warnings"].to_string().contains("no catalog"), "{made}");
    let answer = server.call(&plain, "catalog_link", read).await;
    assert_eq!(
        (&answer.success()["kind"], answer.success().get("is_this_catalog")),
        (&json!("other"), None)
    );
    let answer = server.call(&plain, "catalog_link", json!({ "query": "x" })).await;
    answer.failure("invalid_argument");
}
