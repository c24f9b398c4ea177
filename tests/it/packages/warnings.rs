//! Warnings of tools that write packages, and hints that fit the tool that gives them.

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use serde_json::{Value, json};

use crate::support::on_both::on_both;
use crate::support::package_stage::{PLAIN, in_bucket, several_buckets};
use crate::support::scene::{Scene, keys, uri};
use crate::support::stage::{SHARED, Stage, client};

fn warnings(output: &Value) -> String {
    let all = output["warnings"].as_array().unwrap();
    all.iter()
        .map(|warning| warning.as_str().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

on_both! {
    async fn a_prefix_that_matches_several_folders_is_named_with_its_slash(scene) {
        for key in ["proj/raw/a", "proj/raw2/b", "proj/raw-old/c", "proj/raw.txt", "solo/a", "solo/b/c"] {
            scene.stage.seed(SHARED, key, b"1").await;
        }
        let dry = async |prefix: &str| {
            let arguments = json!({ "name": "w/prefix", "source_prefix": prefix, "flatten": false, "dry_run": true });
            warnings(&scene.write("package_create_from_s3", arguments).await)
        };
        let shown = dry("proj/raw").await;
        for folder in ["proj/raw/", "proj/raw2/", "proj/raw-old/"] {
            assert!(shown.contains(&format!("`{folder}`")), "{folder}: {shown}");
        }
        assert!(shown.contains("source_prefix=\"proj/raw/\""), "{shown}");
        assert_eq!(dry("proj/raw/").await, "");
        assert_eq!(dry("solo").await, "", "one folder is what was meant");
        assert!(dry("proj/raw2").await.is_empty());
    }
}

#[tokio::test]
async fn hints_name_the_arguments_of_the_tool_that_gives_them() {
    let scene = several_buckets().await;
    for key in ["c/a/x", "c/b/x", "d/x", "d/x/y"] {
        scene.stage.seed(SHARED, key, b"1").await;
    }
    let hint = |failure: &Value| failure["hint"].as_str().unwrap().to_owned();
    let collision = json!({ "name": "w/c", "source_prefix": "c/", "flatten": true });
    let collision = hint(
        &scene
            .refuses("package_create_from_s3", collision, "invalid_argument")
            .await,
    );
    assert!(
        collision.contains("flatten=false") && !collision.contains("logical_key"),
        "{collision}"
    );
    let nested = json!({ "name": "w/c", "source_prefix": "d/", "flatten": false });
    let nested = hint(
        &scene
            .refuses("package_create_from_s3", nested, "invalid_argument")
            .await,
    );
    assert!(
        nested.contains("exclude") && !nested.contains("logical_key"),
        "{nested}"
    );
    scene
        .write("package_create", json!({ "name": "w/u", "files": [uri("d/x")] }))
        .await;
    let update = json!({ "name": "w/u", "add": [uri("c/a/x"), uri("c/b/x")] });
    let update = hint(&scene.refuses("package_update", update, "invalid_argument").await);
    assert!(
        update.contains("logical_key") && !update.contains("flatten"),
        "{update}"
    );
    let create = json!({ "name": "w/n", "files": [uri("c/a/x"), uri("c/b/x")], "flatten": true });
    let create = hint(&scene.refuses("package_create", create, "invalid_argument").await);
    assert!(
        create.contains("logical_key") && create.contains("flatten=false"),
        "{create}"
    );
}

#[tokio::test]
async fn entries_that_no_version_pins_are_counted_in_one_warning() {
    let scene = several_buckets().await;
    for key in ["q/a", "q/b"] {
        scene.stage.seed(PLAIN, key, b"1").await;
        scene.stage.seed(SHARED, key, b"1").await;
    }
    let files =
        json!([in_bucket(PLAIN, "q/a"), in_bucket(PLAIN, "q/b"), { "s3_uri": uri("q/a"), "logical_key": "pinned" }]);
    let made = scene
        .write(
            "package_create",
            json!({ "name": "w/pins", "files": files, "readme": "# Hi" }),
        )
        .await;
    assert!(warnings(&made).contains("No version pins 2 of 4 entries"), "{made}");
    let update = json!({ "name": "w/pins", "add": [{ "s3_uri": in_bucket(PLAIN, "q/a"), "logical_key": "more" }] });
    let updated = scene.write("package_update", update).await;
    assert!(
        warnings(&updated).contains("No version pins 1 of 1 entries"),
        "{updated}"
    );
    let from = json!({ "name": "w/from", "source_bucket": PLAIN, "source_prefix": "q/", "dry_run": true });
    let from = scene.write("package_create_from_s3", from).await;
    assert!(warnings(&from).contains("No version pins 2 of 2 entries"), "{from}");
    let copied = json!({ "name": "w/copied", "files": [in_bucket(PLAIN, "q/a")], "copy": true });
    assert_eq!(scene.write("package_create", copied).await["warnings"], json!([]));
    let pinned = json!({ "name": "w/pinned", "files": [uri("q/a")], "readme": "# Hi", "dry_run": true });
    assert_eq!(scene.write("package_create", pinned).await["warnings"], json!([]));

    let suspended = VersioningConfiguration::builder()
        .status(BucketVersioningStatus::Suspended)
        .build();
    let admin = client(&scene.stage.endpoint, &scene.stage.admin);
    admin
        .put_bucket_versioning()
        .bucket(SHARED)
        .versioning_configuration(suspended)
        .send()
        .await
        .unwrap();
    scene.stage.seed(SHARED, "q/null", b"1").await;
    let null = scene
        .write("package_create", json!({ "name": "w/null", "files": [uri("q/null")] }))
        .await;
    assert!(warnings(&null).contains("No version pins 1 of 1 entries"), "{null}");
}

#[tokio::test]
async fn relative_links_of_a_readme_that_the_catalog_will_not_find_are_named() {
    let scene = several_buckets().await;
    for key in ["r/pics/plot.png", "r/data/stations.csv"] {
        scene.stage.seed(SHARED, key, b"1").await;
    }
    let readme = "# Data\n![p](pics/plot.png \"Plot\") [csv](data/stations.csv#top) [site](https://example.com/a)\n\
                  [s3](s3://b/k) [top](#data) [abs](/x) [up](../../r/pics/plot.png) <img src='./pics/plot.png'>\n\
                  [ref]\n\n[ref]: <missing file.md>\n\n```\n[code](not/a/link.md)\n```\nAlso `[code](inline.md)`.\n";
    let create = async |name: &str, more: Value| {
        let files: Value = ["r/pics/plot.png", "r/data/stations.csv"].map(uri).to_vec().into();
        let mut arguments = json!({ "name": name, "files": files, "flatten": false, "readme": readme });
        arguments
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        warnings(&scene.write("package_create", arguments).await)
    };
    for dry_run in [true, false] {
        let shown = create("w/links", json!({ "dry_run": dry_run })).await;
        assert!(
            shown.contains("`pics/plot.png`, `data/stations.csv`, `missing file.md`"),
            "{shown}"
        );
        assert!(
            shown.contains(&format!("s3://{SHARED}/w/links/")) && shown.contains("copy=true"),
            "{shown}"
        );
        for found in ["example.com", "s3://b/k", "#data", "/x`", "../", "link.md", "inline.md"] {
            assert!(!shown.contains(found), "{found}: {shown}");
        }
        let shown = create(
            "w/copied-links",
            json!({ "dry_run": dry_run, "copy": true, "overwrite": true }),
        )
        .await;
        assert!(
            shown.contains("`missing file.md`") && !shown.contains("plot.png"),
            "{shown}"
        );
    }
    let plain = json!({ "name": "w/plain", "readme": "# Data\n[site](https://example.com)" });
    assert_eq!(scene.write("package_create", plain).await["warnings"], json!([]));
}

/// SeaweedFS does not take such keys.
#[tokio::test]
async fn keys_that_cannot_be_logical_keys_are_left_out_with_a_warning() {
    let scene = several_buckets().await;
    for key in ["p/ok.csv", "p/full/", "p/a//b", "p/x/../y"] {
        scene.stage.seed(SHARED, key, b"1").await;
    }
    let arguments = json!({ "name": "w/odd", "source_prefix": "p/", "flatten": false });
    let made = scene.write("package_create_from_s3", arguments).await;
    assert_eq!(made["entries_added"], 1, "{made}");
    let shown = warnings(&made);
    for key in ["p/full/", "p/a//b", "p/x/../y"] {
        assert!(shown.contains(&format!("s3://{SHARED}/{key}")), "{key}: {shown}");
    }
    let browsed = scene
        .read("package_browse", json!({ "name": "w/odd", "recursive": true }))
        .await;
    assert_eq!(keys(&browsed), ["ok.csv"]);
    let flat = json!({ "name": "w/flat", "source_prefix": "p/", "flatten": true });
    let flat = scene.write("package_create_from_s3", flat).await;
    assert_eq!(flat["entries_added"], 3, "their base names can be logical keys: {flat}");
    assert!(warnings(&flat).contains("p/full/"), "{flat}");
    let nothing = json!({ "name": "w/none", "source_prefix": "p/full/" });
    let failure = scene
        .refuses("package_create_from_s3", nothing, "invalid_argument")
        .await;
    assert!(failure["error"].as_str().unwrap().contains("logical key"), "{failure}");
}
