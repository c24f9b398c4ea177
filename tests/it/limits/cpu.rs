//! Bounds of computations whose size users choose (globs, schemas of workflows), and responses to others while one
//! runs.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::support::scene::{Scene, uri};
use crate::support::stage::{SHARED, Stage};

const CONFIG: &str = "version: '1'\nis_workflow_required: true\ndefault_workflow: w\nworkflows:\n  w: {name: W, \
                      entries_schema: entries}\n";
/// Branches of the expensive schema, and files that it is applied to.
const BRANCHES: usize = 900;
const FILES: usize = 2000;

async fn scene() -> Scene {
    let scene = Scene::on(Stage::embedded().await).await;
    scene
        .put(json!([{ "key": "in/a.csv", "text": "a" }, { "key": "in/b.txt", "text": "b" }]))
        .await;
    scene
}

/// A workflow whose entries have to pass this schema.
async fn demand(scene: &Scene, schema: &str) {
    let config = format!(
        "{CONFIG}schemas: {{entries: {{url: \"{}\"}}}}\n",
        uri("schemas/entries.json")
    );
    scene
        .stage
        .seed(SHARED, ".quilt/workflows/config.yml", config.as_bytes())
        .await;
    scene
        .stage
        .seed(SHARED, "schemas/entries.json", schema.as_bytes())
        .await;
}

/// A schema of which every branch refuses every file, and takes some time for it.
fn expensive() -> Value {
    let pattern = |n: usize| json!({ "properties": { "logical_key": { "pattern": format!("^(file|none).*-{n}x$") } } });
    json!({ "anyOf": (0..BRANCHES).map(pattern).collect::<Vec<_>>() })
}

fn files(count: usize) -> Vec<Value> {
    (0..count)
        .map(|n| json!({ "s3_uri": uri("in/a.csv"), "logical_key": format!("file-{n:05}") }))
        .collect()
}

#[tokio::test]
async fn globs_are_bounded_in_number_and_length() {
    let scene = scene().await;
    let create = |more: Value| {
        let mut call = json!({ "name": "it/globs", "source_bucket": SHARED, "source_prefix": "in/", "dry_run": true });
        call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call
    };
    let globs = |count: usize| (0..count).map(|n| format!("*.none{n}")).collect::<Vec<_>>();
    let tool = "package_create_from_s3";
    for argument in ["include", "exclude"] {
        let refusal = scene
            .refuses(tool, create(json!({ argument: globs(20_000) })), "invalid_argument")
            .await;
        let sentence = refusal["error"].as_str().unwrap();
        assert_eq!(
            sentence,
            format!("Argument {argument} has 20000 globs; at most 100 are taken.")
        );
        let refusal = scene
            .refuses(
                tool,
                create(json!({ argument: ["a".repeat(1025)] })),
                "invalid_argument",
            )
            .await;
        let sentence = refusal["error"].as_str().unwrap();
        assert_eq!(
            sentence,
            format!("Argument {argument}: glob 0 has 1025 bytes; at most 1024 are taken.")
        );
    }
    let mut exclude = globs(99);
    exclude.push("*.txt".to_owned());
    let created = scene.write(tool, create(json!({ "exclude": exclude }))).await;
    assert_eq!(created["entries_added"], json!(1), "{created}");
    // Globs of about 100 kB are matched on the pool.
    let mut long: Vec<String> = (0..99).map(|n| format!("{}{n}", "z".repeat(1000))).collect();
    long.push("*.txt".to_owned());
    let created = scene.write(tool, create(json!({ "exclude": long }))).await;
    assert_eq!(created["entries_added"], json!(1), "{created}");
}

#[tokio::test]
async fn an_expensive_schema_ends_and_others_are_answered_meanwhile() {
    let scene = scene().await;
    for schema in [
        json!({ "type": "array", "items": expensive() }),
        // Of the list as a whole, so that every entry may have an error in every branch.
        json!({ "type": "array", "minItems": 1, "items": { "allOf": [expensive(), {}] } }),
    ] {
        demand(&scene, &schema.to_string()).await;
        let ended = AtomicBool::new(false);
        let check = async {
            let call = json!({ "bucket": SHARED, "name": "it/slow", "dry_run": true, "files": files(FILES) });
            let answer = scene.server.call(&scene.writer, "package_create", call).await;
            ended.store(true, Ordering::SeqCst);
            answer
        };
        let polls = async {
            let mut answered = 0;
            while !ended.load(Ordering::SeqCst) {
                assert_eq!(scene.server.request("GET", "/health", &[]).await.status, 200);
                answered += 1;
            }
            answered
        };
        let (answer, answered) = tokio::join!(check, polls);
        assert!(answered > 0);
        // None of the files passes; what the server says may be that, or that it is too much.
        let output = answer.output();
        let code = output["error_code"].as_str().unwrap_or_default();
        assert!(
            ["workflow_violation", "too_large", "timeout"].contains(&code),
            "{output}"
        );
        assert!(output["error"].as_str().unwrap().ends_with('.'), "{output}");
    }
}

#[tokio::test]
async fn a_schema_by_entry_says_which_entry_it_refuses() {
    let scene = scene().await;
    demand(
        &scene,
        r#"{"type": "array", "items": {"properties": {"size": {"maximum": 0}}}}"#,
    )
    .await;
    let call = json!({ "name": "it/refused", "files": files(2), "dry_run": true });
    let refusal = scene.refuses("package_create", call, "workflow_violation").await;
    let sentence = refusal["error"].as_str().unwrap();
    assert!(
        sentence.contains("at `file-00000 /0/size`: 1 is greater than the maximum of 0"),
        "{sentence}"
    );
}

#[tokio::test]
async fn a_schema_of_more_than_256_kib_is_refused() {
    let scene = scene().await;
    let of_length = |length: usize| {
        let frame = r#"{"type": "array", "title": ""}"#.len();
        json!({ "type": "array", "title": "t".repeat(length - frame + 3) }).to_string()
    };
    let call = json!({ "name": "it/large", "files": files(1), "dry_run": true });
    demand(&scene, &of_length(200 * 1024)).await;
    scene.write("package_create", call.clone()).await;
    demand(&scene, &of_length(257 * 1024)).await;
    let refusal = scene.refuses("package_create", call, "too_large").await;
    let sentence = refusal["error"].as_str().unwrap();
    assert!(
        sentence.contains("schemas/entries.json") && sentence.contains("at most 262144"),
        "{sentence}"
    );
}
