//! `catalog_url` and `catalog_uri` of version 0.22, which are `catalog_link` now.

use serde_json::json;

use crate::support::on_dev::OnDev;

#[tokio::test]
async fn links_are_made_under_their_older_names() {
    let scene = OnDev::new().await;
    let catalog = &scene.dev.backend.info.catalog_url;
    let hash = "a".repeat(64);
    let package = json!({ "registry": "s3://b-one", "package_name": "team/pkg", "path": "d/x", "top_hash": hash,
        "catalog_host": "c.example.com" });
    let made = scene.call("catalog_uri", package).await;
    let made = made.success();
    assert_eq!(
        made["quilt_plus_uri"],
        format!("quilt+s3://b-one#package=team/pkg@{hash}&path=d%2Fx")
    );
    assert_eq!(made["view_type"], "package");
    assert!(made["ignored_arguments"]["catalog_host"].is_string(), "{made}");

    let tagged = json!({ "registry": "s3://b-one", "package_name": "team/pkg", "tag": "latest" });
    let made = scene.call("catalog_url", tagged).await;
    assert_eq!(
        made.success()["catalog_url"],
        format!("{catalog}/b/b-one/packages/team/pkg")
    );
    let object = json!({ "registry": "s3://b-one", "path": "raw/a b.csv", "package_name": "" });
    let made = scene.call("catalog_url", object).await;
    let made = made.success();
    assert_eq!(made["catalog_url"], format!("{catalog}/b/b-one/tree/raw/a%20b.csv"));
    assert_eq!(made["view_type"], "bucket");
    let both = json!({ "registry": "s3://b-one", "package_name": "team/pkg", "top_hash": hash, "tag": "latest" });
    scene.call("catalog_uri", both).await.failure("invalid_argument");
}
