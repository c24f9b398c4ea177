//! The real front end of Quilt's catalog over the embedded S3, with packages that the tools made.

use quilt_mcp::dev::{CatalogUi, DevOptions};
use serde_json::{Map, Value, json};

use super::visits::visit;
use crate::support::on_dev::OnDev;
use crate::support::tools;

/// A picture of 16 × 16 pixels.
const PICTURE: &[u8] = include_bytes!("../../../src/dev/samples/gradient.png");

/// Starts `dev` with the front end of the wheel.
async fn dev() -> OnDev {
    let wheel = tokio::task::spawn_blocking(tools::catalog_wheel)
        .await
        .unwrap()
        .unwrap();
    let options = DevOptions {
        catalog_ui: Some(CatalogUi::open(&wheel).unwrap()),
        ..DevOptions::default()
    };
    OnDev::with_options(&[], options).await
}

#[tokio::test]
async fn the_real_catalog_shows_packages_that_the_tools_made() {
    let dev = dev().await;
    let bucket = dev.bucket();
    let files = [
        ("data (1)/ö ß 海.md", "# An awkward key"),
        ("data (1)/x & y+z.md", "# Another awkward key"),
        ("notes.json", r#"{ "depth": 12 }"#),
    ];
    let aws = &dev.dev.backend.aws;
    let put = |key: &str, content: &[u8]| {
        aws.put_object(&bucket, &format!("cruise/{key}"), content.to_vec(), None, &[])
            .unwrap();
    };
    put("pics/plot.png", PICTURE);
    for (key, content) in files {
        put(key, content.as_bytes());
    }
    let readme = format!("# Read me first\n\n![plot](s3://{bucket}/cruise/pics/plot.png)\n");
    let create = json!({
        "bucket": bucket, "name": "demo/cruise", "source_prefix": "cruise/", "message": "First <b>cruise</b> & ü",
        "metadata": { "größe": 5 }, "readme": readme,
        "summary": [{ "path": "notes.json", "title": "Notes of the cruise" }],
    });
    let first = dev.call("package_create_from_s3", create).await.success().clone();
    let update =
        json!({ "bucket": bucket, "name": "demo/cruise", "metadata": { "depth": 12 }, "message": "With its depth" });
    let second = dev.call("package_update", update).await.success().clone();
    let page = second["catalog_url"].as_str().unwrap();
    let info = &dev.dev.backend.info;
    assert!(page.starts_with(&info.catalog_url), "{page}");
    let status = dev.call("auth_status", json!({})).await.success().clone();
    assert_eq!(status["catalog_url"], json!(info.catalog_url));
    assert!(
        status["catalog_offers"].is_array(),
        "the registry is that of a stack: {status}"
    );
    let config = json!({
        "catalog": info.catalog_url, "page": page, "bucket": bucket, "hidden": info.buckets.private,
        "hashes": [first["package"]["hash"], second["package"]["hash"]],
        "files": Value::Object(files.map(|(key, content)| (key.to_owned(), json!(content))).into_iter().collect::<Map<_, _>>()),
    });
    visit("shows_packages_in_the_real_catalog", config).await;
    let journal = aws.journal().entries();
    let denied = journal.iter().any(|entry| {
        entry.status == 403
            && entry.bucket.as_deref() == Some(info.buckets.private.as_str())
            && entry
                .principal_arn
                .as_ref()
                .is_some_and(|arn| arn.ends_with(":assumed-role/writer/writer"))
    });
    assert!(denied, "the browser's signature is proved, and its user is denied");
}
