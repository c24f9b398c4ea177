//! Links in the results of other tools.

use serde_json::{Value, json};

use super::link_of;
use crate::support::on_dev::OnDev;

#[tokio::test]
async fn packages_and_objects_are_shown_with_links_that_lead_back_to_them() {
    let scene = OnDev::new().await;
    let info = &scene.dev.backend.info;
    let bucket = &info.buckets.shared;
    let catalog = &info.catalog_url;
    let object = json!({ "s3_uri": format!("s3://{bucket}/plankton/README.md") });
    let object = scene.call("bucket_object_info", object).await.success().clone();
    let listed = scene
        .call("package_list", json!({ "bucket": bucket }))
        .await
        .success()
        .clone();
    let name = &info.package.name;
    assert_eq!(
        listed["packages"][0]["catalog_url"],
        format!("{catalog}/b/{bucket}/packages/{name}")
    );
    let package = json!({ "bucket": bucket, "name": name });
    let browsed = scene.call("package_browse", package).await.success().clone();
    let search = |kind: &str| scene.call("search_catalog", json!({ "kind": kind, "query": "plankton" }));
    let packages = search("packages").await.success().clone();
    let objects = search("objects").await.success().clone();
    let create = |dry_run: bool| {
        let files = [format!("s3://{bucket}/plankton/README.md")];
        let create = json!({ "bucket": bucket, "name": "team/linked", "files": files, "dry_run": dry_run });
        scene.call("package_create", create)
    };
    let rehearsed = create(true).await.success().clone();
    assert_eq!(
        (rehearsed.get("catalog_url"), rehearsed.get("navigation")),
        (None, None),
        "the revision of a dry run does not exist: {rehearsed}"
    );
    let created = create(false).await.success().clone();
    for (url, kind, expected) in [
        (&object["catalog_url"], "object", json!({ "key": "plankton/README.md" })),
        (
            &listed["packages"][0]["catalog_url"],
            "package",
            json!({ "name": name }),
        ),
        (
            &browsed["package"]["catalog_url"],
            "package",
            json!({ "name": name, "hash": info.package.hash }),
        ),
        (
            &packages["results"][0]["catalog_url"],
            "package",
            json!({ "name": name, "hash": info.package.hash }),
        ),
        (
            &objects["results"][0]["catalog_url"],
            "object",
            json!({ "key": objects["results"][0]["key"] }),
        ),
        (&packages["catalog_url"], "search", json!({ "query": "plankton*" })),
        (
            &created["catalog_url"],
            "package",
            json!({ "name": "team/linked", "hash": created["package"]["hash"] }),
        ),
    ] {
        let read = link_of(&scene, json!({ "url": url })).await;
        assert_eq!(
            (&read["kind"], &read["is_this_catalog"]),
            (&json!(kind), &json!(true)),
            "{url}"
        );
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&read[name], value, "{url}: {read}");
        }
    }
}

/// Keys with segments that browsers resolve: a link would lead to another object.
#[tokio::test]
async fn a_search_gives_no_link_that_leads_elsewhere() {
    let scene = OnDev::new().await;
    let bucket = &scene.dev.backend.info.buckets.shared;
    let aws = &scene.dev.backend.aws;
    aws.put_object(bucket, "dots/../zebra.txt", "x", None, &[]).unwrap();
    let found = scene
        .call(
            "search_catalog",
            json!({ "kind": "objects", "filters": { "key": "*zebra*" } }),
        )
        .await;
    let row = &found.success()["results"][0];
    assert_eq!(
        (&row["key"], row.get("catalog_url")),
        (&json!("dots/../zebra.txt"), None::<&Value>)
    );
}
