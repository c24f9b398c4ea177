//! Tables are created and replaced: checked before they are sent, with a preview of what they show.

use serde_json::{Value, json};

use super::{CONFIG, make_packages, parts, stored, with};
use crate::account::OnDev;

async fn create(scene: &OnDev, more: Value) -> crate::support::server::Answer {
    let arguments = with(json!({ "bucket": scene.bucket(), "table": "tpm" }), more);
    scene.call("tabulator_table_create", arguments).await
}

#[tokio::test]
async fn a_table_is_previewed_and_created() {
    let scene = OnDev::new().await;
    make_packages(
        &scene,
        &["lab/one", "lab/two", "other/three"],
        &["a.csv", "b/c.csv", "d.txt"],
    )
    .await;
    for (arguments, is_dry) in [
        (json!({ "config": CONFIG, "dry_run": true }), true),
        (with(parts(), json!({ "dry_run": true })), true),
        (json!({ "config": CONFIG }), false),
    ] {
        let made = create(&scene, arguments).await;
        let made = made.success();
        assert_eq!(
            (&made["changed"], made["dry_run"] == true, &made["credential_source"]),
            (&json!(true), is_dry, &json!("catalog"))
        );
        let preview = &made["preview"];
        assert_eq!(preview["packages"], json!(["lab/one", "lab/two"]));
        assert_eq!(
            (&preview["packages_matched"], &preview["complete"]),
            (&json!(2), &json!(true))
        );
        let file = |package: &str, key: &str| json!({ "package": package, "logical_key": key });
        assert_eq!(
            preview["files"],
            json!([
                file("lab/one", "a.csv"),
                file("lab/one", "b/c.csv"),
                file("lab/two", "a.csv"),
                file("lab/two", "b/c.csv")
            ])
        );
        assert!(made.get("warnings").is_none(), "{made}");
        assert_eq!(stored(&scene).len(), usize::from(!is_dry), "a dry run sets nothing");
    }
    assert_eq!(stored(&scene), [("tpm".to_owned(), CONFIG.to_owned())]);
    // The same configuration, however it is written, changes nothing.
    for again in [json!({ "config": CONFIG }), parts()] {
        let again = create(&scene, again).await;
        assert_eq!(again.success()["changed"], false);
    }
    assert_eq!(stored(&scene), [("tpm".to_owned(), CONFIG.to_owned())]);
}

#[tokio::test]
async fn another_configuration_is_a_conflict_unless_it_may_replace() {
    let scene = OnDev::new().await;
    create(&scene, parts()).await.success();
    let before = stored(&scene);
    for dry_run in [false, true] {
        let other = with(parts(), json!({ "header": false, "dry_run": dry_run }));
        let refused = create(&scene, other).await;
        let refused = refused.failure("conflict");
        assert!(
            refused["error"].as_str().unwrap().contains("`tpm` already"),
            "{refused}"
        );
        assert!(
            refused["hint"].as_str().unwrap().contains("overwrite=true"),
            "{refused}"
        );
        assert_eq!(stored(&scene), before);
    }
    let other = json!({ "header": false, "overwrite": true, "schema": ["sample STRING NOT NULL"] });
    let replaced = create(&scene, with(parts(), other)).await;
    let replaced = replaced.success();
    assert_eq!(
        replaced["config_before"],
        before[0].1.as_str(),
        "the only copy is in the result"
    );
    assert!(
        replaced["warnings"].to_string().contains("no earlier version"),
        "{replaced}"
    );
    let config = stored(&scene)[0].1.clone();
    assert!(
        config.contains("header: false") && config.contains("nullable: false"),
        "{config}"
    );
}

#[tokio::test]
async fn what_matches_nothing_is_a_warning() {
    let scene = OnDev::new().await;
    make_packages(&scene, &["lab/one"], &["d.txt"]).await;
    for (arguments, part) in [
        (parts(), "No file of these packages matches logical_key"),
        (
            with(parts(), json!({ "package_name": "^nothing/", "overwrite": true })),
            "No name of a package in this bucket matches package_name",
        ),
    ] {
        let made = create(&scene, arguments).await;
        let made = made.success();
        assert!(made["warnings"].to_string().contains(part), "{made}");
        assert_eq!(made["preview"]["files"], json!([]));
    }
}

/// The first 20 are shown, and what is left out is said.
#[tokio::test]
async fn a_preview_is_bounded() {
    let scene = OnDev::new().await;
    let keys: Vec<String> = (0..30).map(|number| format!("{number:02}.csv")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    make_packages(&scene, &["lab/one", "lab/two"], &keys).await;
    let made = create(&scene, parts()).await;
    let preview = &made.success()["preview"];
    assert_eq!(preview["files"].as_array().unwrap().len(), 20);
    assert_eq!(preview["complete"], false);
    assert_eq!(preview["packages"], json!(["lab/one", "lab/two"]));
    // An expression that never ends to match ends all the same.
    let slow = with(
        parts(),
        json!({ "logical_key": "^(([0-9]+)+\\.?)+\\k<a>(?<a>x)$|^(?:(?=([0-9]+))\\2)+z", "dry_run": true,
        "overwrite": true }),
    );
    let answer = create(&scene, slow).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn mistakes_are_told_before_anything_is_sent() {
    let scene = OnDev::new().await;
    for (arguments, part) in [
        (
            json!({}),
            "Argument package_name: it is required unless config is given",
        ),
        (json!({ "package_name": "a" }), "Argument logical_key"),
        (
            json!({ "package_name": "a", "logical_key": "b" }),
            "Argument schema: it has no column",
        ),
        (
            with(parts(), json!({ "config": CONFIG })),
            "Argument schema: config is the whole",
        ),
        (
            json!({ "config": CONFIG, "header": true }),
            "Argument header: config is the whole",
        ),
        (
            with(parts(), json!({ "package_name": "(" })),
            "Argument package_name: it is no regular expression",
        ),
        (
            with(parts(), json!({ "logical_key": "[" })),
            "Argument logical_key: it is no regular expression",
        ),
        (
            with(parts(), json!({ "delimiter": "::" })),
            "Argument delimiter: it must be one character",
        ),
        (
            with(parts(), json!({ "schema": ["1 INT"] })),
            "Argument schema[0].name: a name begins",
        ),
        (
            with(parts(), json!({ "schema": ["a INT", "b REAL"] })),
            "schema[1]: `REAL` is no type",
        ),
        (
            with(parts(), json!({ "schema": ["a"] })),
            "schema[0]: expected `name TYPE`",
        ),
        (
            with(parts(), json!({ "schema": ["a INT NULL"] })),
            "schema[0]: expected `name TYPE`",
        ),
        (with(parts(), json!({ "format": "parquet" })), "delimiter and header"),
        (json!({ "config": "{" }), "Argument config: it is not YAML"),
        (
            json!({ "config": CONFIG.replace("FLOAT", "REAL") }),
            "Argument config: at schema[1].type",
        ),
        (
            with(parts(), json!({ "table": "t b" })),
            "Argument table: the catalog does not accept it",
        ),
    ] {
        let refused = create(&scene, arguments.clone()).await;
        let sentence = refused.failure("invalid_argument")["error"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(sentence.contains(part), "{arguments}: {sentence}");
        assert_eq!(stored(&scene), [], "{arguments}");
    }
}

/// A user who may only read the bucket is denied by the catalog, and sees what would match.
#[tokio::test]
async fn who_may_not_write_the_bucket_is_denied() {
    let scene = OnDev::new().await;
    let arguments = with(json!({ "bucket": scene.bucket(), "table": "tpm" }), parts());
    let refused = scene.call_as_reader("tabulator_table_create", arguments.clone()).await;
    let refused = refused.failure("access_denied");
    assert!(
        refused["hint"].as_str().unwrap().contains("may write the bucket"),
        "{refused}"
    );
    let dry = with(arguments, json!({ "dry_run": true }));
    let dry = scene.call_as_reader("tabulator_table_create", dry).await;
    assert_eq!(dry.success()["preview"]["complete"], true);
    let private = scene.dev.backend.info.buckets.private.clone();
    let elsewhere = with(parts(), json!({ "bucket": private, "table": "t" }));
    scene
        .call("tabulator_table_create", elsewhere)
        .await
        .failure("no_such_bucket");
    assert_eq!(stored(&scene), []);
}
