//! Workflows: a package that the real quilt3 refuses to push is refused here and writes nothing; one that it accepts
//! has the same workflow in its header.

use serde_json::{Value, json};

use crate::support::on_both::on_both;
use crate::support::quilt3::Quilt3;
use crate::support::scene::{Scene, uri};
use crate::support::stage::{SHARED, Stage};

const CONFIG: &str = ".quilt/workflows/config.yml";
const HERO: &str = r#"{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "required": ["superhero"],
    "properties": {"superhero": {"enum": ["Batman"]}}}"#;
const ENTRIES: &str = r#"{"type": "array", "contains": {"properties": {"logical_key": {"const": "README.md"}, "size":
    {"minimum": 1}, "meta": {"type": "object"}}}}"#;

/// The fixtures' configuration, with its schemas in the shared bucket.
async fn configure(scene: &Scene, change: impl Fn(String) -> String) {
    let config = include_str!("../../fixtures/quilt3/workflows_config.yml").replace("s3://dest/", &uri(""));
    scene.stage.seed(SHARED, CONFIG, change(config).as_bytes()).await;
    scene.stage.seed(SHARED, "schemas/hero.json", HERO.as_bytes()).await;
    scene
        .stage
        .seed(SHARED, "schemas/entries.json", ENTRIES.as_bytes())
        .await;
    scene
        .put(
            json!([{ "key": "in/README.md", "text": "# r" }, { "key": "in/x.md", "text": "x" }, { "key": "in/empty",
        "text": "" }]),
        )
        .await;
}

/// Every choice with everything that may be wrong. `workflow`: absent for the default, null for none.
fn cases() -> Vec<Value> {
    let (readme, other) = (
        json!({ "key": "README.md", "uri": uri("in/README.md") }),
        json!({ "key": "x.md", "uri": uri("in/x.md") }),
    );
    let batman = json!({ "superhero": "Batman" });
    vec![
        json!({ "name": "team/p", "files": [other] }),
        json!({ "name": "team/p", "files": [other], "message": "m" }),
        json!({ "name": "team/p", "files": [other], "workflow": "alpha" }),
        json!({ "name": "team/p", "files": [other], "workflow": "alpha", "message": "m", "meta": { "any": 1 } }),
        json!({ "name": "team/p", "files": [other], "workflow": null }),
        json!({ "name": "team/p", "files": [other], "workflow": "nope", "message": "m" }),
        json!({ "name": "team/p", "files": [other, readme], "workflow": "beta", "meta": batman, "message": "m" }),
        json!({ "name": "team/p", "files": [readme], "workflow": "beta", "meta": batman }),
        json!({ "name": "team/p", "files": [other], "workflow": "beta", "meta": batman }),
        json!({ "name": "team/p", "files": [{ "key": "README.md", "uri": uri("in/empty") }], "workflow": "beta",
            "meta": batman }),
        json!({ "name": "team/p", "files": [readme], "workflow": "beta", "meta": { "superhero": "Joker" } }),
        json!({ "name": "team/p", "files": [readme], "workflow": "beta", "meta": {} }),
        json!({ "name": "team/p", "files": [readme], "workflow": "beta" }),
        json!({ "name": "squad/p", "files": [readme], "workflow": "beta", "meta": batman }),
    ]
}

/// quilt3's push as a call of ours.
fn as_ours(case: &Value, name: &str, list: &str) -> Value {
    let files = case["files"].as_array().unwrap().iter();
    let files = files.map(|file| json!({ "s3_uri": file["uri"], "logical_key": file["key"] }));
    let mut call = json!({ "name": name, list: files.collect::<Vec<_>>() });
    for (ours, theirs) in [("metadata", "meta"), ("message", "message")] {
        if let Some(value) = case.get(theirs) {
            call[ours] = value.clone();
        }
    }
    if let Some(workflow) = case.get("workflow") {
        call["workflow"] = workflow.as_str().unwrap_or_default().into();
    }
    call
}

/// Asks both to write a package; they agree. Returns how many were accepted and how many refused.
async fn compare(scene: &Scene, quilt3: &mut Quilt3, cases: &[Value]) -> (usize, usize) {
    let (mut taken, mut refused) = (0, 0);
    for (number, case) in cases.iter().enumerate() {
        let namespace = case["name"].as_str().unwrap().split('/').next().unwrap();
        let name = |whose: &str| format!("{namespace}/{whose}{number}");
        let mut push = case.clone();
        push["name"] = name("theirs").into();
        let theirs = quilt3.ask("push", push).await;
        let create = as_ours(case, &name("ours"), "files");
        // The package to be updated has a file that no workflow names, and nothing of the cases before.
        let name_of_updated = name("updated");
        let mut base = json!({ "name": name_of_updated, "message": "base", "workflow": "alpha",
            "files": [{ "s3_uri": uri("in/x.md"), "logical_key": "zz" }] });
        if scene.read("workflow_list", json!({})).await["config"].is_null() {
            base.as_object_mut().unwrap().remove("workflow");
        }
        scene.write("package_create", base).await;
        let update = as_ours(case, &name_of_updated, "add");
        if let Some(pushed) = theirs.get("answer") {
            taken += 1;
            let created = scene.write("package_create", create).await;
            assert_eq!(created["package"]["hash"], pushed["hash"], "{case}");
            let ours = quilt3.does("browse", json!({ "name": name("ours") })).await;
            assert_eq!(ours["header"], pushed["header"], "{case}");
            let shown = scene.read("package_browse", json!({ "name": name("ours") })).await;
            assert_eq!(
                shown["package"]["workflow"],
                pushed["header"].get("workflow").cloned().unwrap_or_default()
            );
            scene.write("package_update", update).await;
            let ours = quilt3.does("browse", json!({ "name": name_of_updated })).await;
            assert_eq!(
                ours["header"].get("workflow"),
                pushed["header"].get("workflow"),
                "{case}"
            );
        } else {
            refused += 1;
            let refusal = scene
                .refuses("package_create", create.clone(), "workflow_violation")
                .await;
            let mut dry = create;
            dry["dry_run"] = true.into();
            let same = scene.refuses("package_create", dry, "workflow_violation").await;
            assert_eq!(same["error"], refusal["error"], "a dry run says the same");
            scene.refuses("package_update", update, "workflow_violation").await;
        }
    }
    (taken, refused)
}

on_both! {
    async fn what_quilt3_refuses_is_refused_and_what_it_takes_is_taken(scene) {
        let mut quilt3 = Quilt3::at(&scene.stage).await;
        configure(&scene, |config| config).await;
        assert_eq!(compare(&scene, &mut quilt3, &cases()).await, (5, 9));

        let listed = scene.read("workflow_list", json!({})).await;
        let ids: Vec<&Value> = listed["workflows"].as_array().unwrap().iter().map(|workflow| &workflow["id"]).collect();
        assert_eq!(ids, ["alpha", "beta"]);
        assert_eq!((&listed["default_workflow"], &listed["is_workflow_required"]), (&json!("alpha"), &json!(false)));
    }

    async fn a_workflow_that_is_required_has_to_be_named(scene) {
        let mut quilt3 = Quilt3::at(&scene.stage).await;
        let required = |config: String| config.replace("is_workflow_required: false",
            "is_workflow_required: true").replace("default_workflow: alpha\n", "");
        configure(&scene, required).await;
        assert_eq!(compare(&scene, &mut quilt3, &cases()[..5]).await, (1, 4));
    }

    async fn a_bucket_without_workflows_demands_none_and_knows_none(scene) {
        let mut quilt3 = Quilt3::at(&scene.stage).await;
        scene.put(json!([{ "key": "in/x.md", "text": "x" }])).await;
        assert_eq!(compare(&scene, &mut quilt3, &cases()[..4]).await, (2, 2));
        // quilt3 refuses an explicit None. Here it is "", which clients send for every argument that they do not use.
        let none = &cases()[4];
        let mut push = none.clone();
        push["name"] = "theirs/none".into();
        quilt3.refuses("push", push).await;
        scene.write("package_create", as_ours(none, "team/none", "files")).await;
        let listed = scene.read("workflow_list", json!({})).await;
        assert_eq!((&listed["workflows"], &listed["config"]), (&json!([]), &Value::Null));
    }

    async fn a_configuration_that_cannot_be_used_stops_every_push(scene) {
        let mut quilt3 = Quilt3::at(&scene.stage).await;
        let broken = [
            ("\n\t:", ""), ("base: \"1.1\"", "base: \"1.2\""), ("workflows:\n", "bogus: 1\nworkflows:\n"),
            ("default_workflow: alpha", "default_workflow: gone"), ("version:\n", "version: 1\nx:\n"),
        ];
        for (number, (what, with)) in broken.iter().enumerate() {
            if with.is_empty() {
                configure(&scene, |_| "[not: a: config\n\t".to_owned()).await;
            } else {
                configure(&scene, |config| config.replacen(what, with, 1)).await;
            }
            let case = &cases()[1];
            let mut push = case.clone();
            push["name"] = format!("theirs/p{number}").into();
            quilt3.refuses("push", push).await;
            scene.refuses("package_create", as_ours(case, "team/p", "files"), "workflow_violation").await;
        }
        // A schema that is not there, or that quilt3 does not support.
        configure(&scene, |config| config.replace("schemas/hero.json", "schemas/gone.json")).await;
        let case = &cases()[6];
        quilt3.refuses("push", case.clone()).await;
        scene.refuses("package_create", as_ours(case, "team/p", "files"), "no_such_key").await;
        configure(&scene, |config| config).await;
        for schema in [r##"{"properties": {"a": {"$ref": "#"}}}"##,
            r#"{"$schema": "https://json-schema.org/draft/2020-12/schema"}"#, "{"] {
            scene.stage.seed(SHARED, "schemas/hero.json", schema.as_bytes()).await;
            quilt3.refuses("push", case.clone()).await;
            scene.refuses("package_create", as_ours(case, "team/p", "files"), "workflow_violation").await;
        }
    }
}

/// Only the embedded S3 has a policy of a bucket that this can be shown with.
#[tokio::test]
async fn a_configuration_that_may_not_be_read_is_never_taken_for_none() {
    let scene = Scene::on(Stage::embedded().await).await;
    scene.put(json!([{ "key": "in/x.md", "text": "x" }])).await;
    let create = json!({ "name": "team/p", "files": [uri("in/x.md")], "message": "m" });
    scene
        .write("package_create", json!({ "name": "team/q", "files": [uri("in/x.md")] }))
        .await;
    let deny = |action: &str, on: String| {
        json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Deny",
        "Principal": "*", "Action": action, "Resource": on }] })
    };
    let aws = scene.stage.aws();
    // Denied, whether it is there or not. And who may not list is not told that it is not there.
    let on_config = deny("s3:GetObject", format!("arn:aws:s3:::{SHARED}/{CONFIG}"));
    let on_listing = deny("s3:ListBucket", format!("arn:aws:s3:::{SHARED}"));
    for (policy, is_there) in [(&on_config, false), (&on_listing, false), (&on_config, true)] {
        if is_there {
            aws.put_bucket_policy(SHARED, None).unwrap();
            scene
                .stage
                .seed(
                    SHARED,
                    CONFIG,
                    include_bytes!("../../fixtures/quilt3/workflows_config.yml"),
                )
                .await;
        }
        aws.put_bucket_policy(SHARED, Some(policy)).unwrap();
        let keys = aws.keys(SHARED);
        for (tool, arguments) in [
            ("package_create", create.clone()),
            (
                "package_create_from_s3",
                json!({ "name": "team/p", "source_bucket": SHARED, "source_prefix": "in/" }),
            ),
            ("package_update", json!({ "name": "team/q", "message": "again" })),
            ("workflow_list", json!({})),
        ] {
            let refusal = scene.fails(tool, arguments, "access_denied").await;
            assert!(refusal["error"].as_str().unwrap().contains("s3:"), "{refusal}");
        }
        assert_eq!(aws.keys(SHARED), keys);
    }
    aws.put_bucket_policy(SHARED, None).unwrap();
    let default = scene.write("package_create", create).await;
    let browsed = scene
        .read(
            "package_browse",
            json!({ "name": "team/p", "hash": default["package"]["hash"] }),
        )
        .await;
    assert_eq!(browsed["package"]["workflow"]["id"], "alpha");
}
