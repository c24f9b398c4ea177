//! The search of the development server, from the tool to the index: what an agent asks, and what it costs.

use std::collections::BTreeSet;

use quilt_mcp::clock::Clock;
use quilt_mcp::dev::{Dev, Generation};
use serde_json::{Value, json};

use crate::support::server::{Answer, Server};

const BUCKET: &str = "quilt-dev-shared";

struct Scene {
    dev: Dev,
    server: Server,
    _data: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let dev = Dev::start(0, data.path(), Clock::system()).await.unwrap();
        let server = Server::at(dev.backend.info.mcp_url.clone());
        Self {
            dev,
            server,
            _data: data,
        }
    }

    async fn call(&self, tool: &str, arguments: &Value) -> Answer {
        let token = &self.dev.backend.info.users.writer.token;
        self.server.call(token, tool, arguments.clone()).await
    }

    fn put(&self, key: &str, text: &'static str) {
        self.dev.backend.aws.put_object(BUCKET, key, text, None, &[]).unwrap();
    }

    /// Writes packages of samples, each with an organism, a depth and a date.
    async fn add_packages(&self, count: usize) {
        for number in 0..count {
            let organism = ["Calanus finmarchicus", "Oithona similis", "Acartia clausi"][number % 3];
            let metadata = json!({ "sample": { "organism": organism, "depth": number }, "note": "x".repeat(200) });
            let create = json!({ "bucket": BUCKET, "name": format!("survey/station-{number:02}"),
                "files": [format!("s3://{BUCKET}/plankton/README.md")], "message": "first", "metadata": metadata });
            self.call("package_create", &create).await.success();
        }
    }
}

/// Returns the tokens (o200k) of what a model writes and reads in a call.
fn tokens(arguments: &Value, answer: &Answer) -> usize {
    let text = answer.body["result"]["content"][0]["text"].as_str().unwrap();
    let encoder = tiktoken_rs::o200k_base_singleton();
    encoder.encode_ordinary(text).len() + encoder.encode_ordinary(&arguments.to_string()).len()
}

fn column<'a>(found: &'a Value, name: &str) -> Vec<&'a str> {
    let rows = found["results"].as_array().unwrap();
    rows.iter().map(|row| row[name].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_object_whose_name_has_a_word_is_found_in_two_calls() {
    let scene = Scene::new().await;
    let expected: BTreeSet<String> = (0..11)
        .map(|n| format!("runs/2026-{n:02}/lane{n}_barcode.txt"))
        .collect();
    for key in &expected {
        scene.put(key, "reads");
    }
    for n in 0..300 {
        scene.put(&format!("runs/2026-{n:03}/other.txt"), "barcode");
    }
    let arguments = json!({ "kind": "objects", "filters": { "key": "*barcode*" }, "limit": 100 });
    let answer = scene.call("search_catalog", &arguments).await;
    let found = answer.success();
    let keys: BTreeSet<String> = column(found, "key").into_iter().map(str::to_owned).collect();
    assert_eq!((keys, &found["total"]), (expected, &json!(11)));
    let spent = tokens(&arguments, &answer);
    println!("objects by name: 1 call, {spent} tokens");
    assert!(spent <= 3000, "{spent} tokens");
    // And what is found can be read.
    let read = json!({ "s3_uri": found["results"][0]["s3_uri"] });
    assert_eq!(scene.call("bucket_object_text", &read).await.success()["text"], "reads");
}

#[tokio::test]
async fn packages_whose_metadata_says_something_are_found_in_two_calls() {
    let scene = Scene::new().await;
    scene.add_packages(24).await;
    let facets = json!({ "path": "organism" });
    let first = scene.call("search_facets", &facets).await;
    let facet = &first.success()["metadata"][0];
    assert_eq!(
        (&facet["path"], &facet["type"]),
        (&json!("/sample/organism"), &json!("keyword"))
    );
    assert!(facet["values"].to_string().contains("Oithona similis"), "{facet}");
    let arguments = json!({ "metadata": [{ "path": "/sample/organism", "equals": ["Oithona similis"] }] });
    let second = scene.call("search_catalog", &arguments).await;
    let found = second.success();
    let expected: BTreeSet<String> = (0..8).map(|n| format!("survey/station-{:02}", 3 * n + 1)).collect();
    let names: BTreeSet<String> = column(found, "name").into_iter().map(str::to_owned).collect();
    assert_eq!((names, &found["total"]), (expected, &json!(8)));
    let spent = tokens(&facets, &first) + tokens(&arguments, &second);
    println!("packages by metadata: 2 calls, {spent} tokens");
    assert!(spent <= 3000, "{spent} tokens");
    // And what is found can be browsed.
    let row = &found["results"][0];
    let browse = json!({ "bucket": row["bucket"], "name": row["name"], "hash": row["hash"] });
    let browsed = scene.call("package_browse", &browse).await;
    assert_eq!(browsed.success()["package"]["metadata"], row["metadata"]);
    let range = json!({ "metadata": [{ "path": "/sample/depth", "min": 5, "max": 7 }], "sort": "name" });
    let found = scene.call("search_catalog", &range).await;
    assert_eq!(
        column(found.success(), "name"),
        ["survey/station-05", "survey/station-06", "survey/station-07"]
    );
}

#[tokio::test]
async fn ten_thousand_hits_are_paged_while_objects_are_written() {
    let scene = Scene::new().await;
    let expected: BTreeSet<String> = (0..10_000).map(|n| format!("many/{n:05}.txt")).collect();
    for key in &expected {
        scene.put(key, "x");
    }
    let mut arguments = json!({ "kind": "objects", "filters": { "key": "many/*" }, "sort": "name", "limit": 100 });
    let mut paged = Vec::new();
    loop {
        let page = scene.call("search_catalog", &arguments).await;
        let page = page.success();
        paged.extend(column(page, "key").into_iter().map(str::to_owned));
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        arguments["cursor"] = next.into();
        // Before, among and behind the hits.
        let number = paged.len();
        for key in [
            format!("many/!{number}"),
            format!("many/05000.txt.{number}"),
            format!("many/zz{number}"),
        ] {
            scene.put(&key, "new");
        }
        scene.put(paged.first().unwrap(), "written again");
    }
    let unique: BTreeSet<String> = paged.iter().cloned().collect();
    assert_eq!(unique.len(), paged.len(), "a hit was repeated");
    assert!(expected.is_subset(&unique), "a hit was lost");
}

#[tokio::test]
async fn an_upgrade_between_two_pages_is_survived() {
    let scene = Scene::new().await;
    for n in 0..30 {
        scene.put(&format!("many/{n:02}"), "x");
    }
    for (before, after) in [
        (Generation::October2023, Generation::August2026),
        (Generation::August2025, Generation::August2026),
        (Generation::August2026, Generation::August2025),
    ] {
        scene.dev.backend.search.set_generation(before);
        let mut arguments = json!({ "kind": "objects", "filters": { "key": "many/*" }, "limit": 10 });
        let mut paged = BTreeSet::new();
        loop {
            let page = scene.call("search_catalog", &arguments).await;
            let page = page.success();
            paged.extend(column(page, "key").into_iter().map(str::to_owned));
            let Some(next) = page["next_cursor"].as_str() else {
                break;
            };
            arguments["cursor"] = next.into();
            scene.dev.backend.search.set_generation(after);
        }
        assert_eq!(paged.len(), 30, "{before:?} {after:?}");
    }
}

#[tokio::test]
async fn bad_input_is_one_sentence() {
    let scene = Scene::new().await;
    for (arguments, part) in [
        (
            json!({ "query": "(plankton AND" }),
            "Argument query: the catalog cannot parse it",
        ),
        (json!({ "query": "size:[1 TO", "kind": "objects" }), "Argument query"),
        (
            json!({ "filters": { "size_min": 2, "size_max": 1 } }),
            "filters.size_min: it is greater",
        ),
        (json!({ "filters": { "colour": "red" } }), "filters.colour is unknown"),
        (
            json!({ "metadata": [{ "path": "organism", "equals": ["x"] }] }),
            "expected a JSON pointer",
        ),
        (json!({ "cursor": "e30" }), "Argument cursor"),
        (json!({ "sort": "usr:organism:keyword:asc" }), "Argument sort"),
    ] {
        let answer = scene.call("search_catalog", &arguments).await;
        let sentence = answer.failure("invalid_argument")["error"].as_str().unwrap();
        assert!(sentence.contains(part), "{arguments}: {sentence}");
        assert!(
            sentence.ends_with('.') && !sentence.contains(". "),
            "{arguments}: {sentence}"
        );
        assert!(sentence.chars().count() < 300, "{sentence}");
    }
}

/// The index of the catalog holds every object, and its page shows those of Quilt's own too.
#[tokio::test]
async fn objects_of_packages_themselves_are_found_as_the_catalogs_page_finds_them() {
    let scene = Scene::new().await;
    let pointers = json!({ "kind": "objects", "filters": { "key": ".quilt/*" } });
    assert_ne!(scene.call("search_catalog", &pointers).await.success()["total"], 0);
    let without = json!({ "kind": "objects", "query": "NOT key:.quilt*" });
    let found = scene.call("search_catalog", &without).await;
    let found = found.success();
    assert_ne!(found["returned"], 0);
    assert!(
        column(found, "key").iter().all(|key| !key.starts_with(".quilt")),
        "{found}"
    );
}

/// The examples of the page about the syntax are arguments that the tools take.
#[tokio::test]
async fn the_syntax_page_is_open_and_its_examples_are_searches() {
    let scene = Scene::new().await;
    let params = json!({ "uri": "quilt://search-syntax" });
    let answer = scene.server.rpc(None, "resources/read", params).await;
    let content = &answer.body["result"]["contents"][0];
    assert_eq!(
        (&content["uri"], &content["mimeType"]),
        (&json!("quilt://search-syntax"), &json!("text/markdown"))
    );
    let page = content["text"].as_str().unwrap();
    let tokens = tiktoken_rs::o200k_base_singleton().encode_ordinary(page).len();
    assert!(tokens < 2000, "{tokens} tokens");
    let mut examples = 0;
    for line in page.lines() {
        let Some((_, example)) = line.split_once("`{\"") else {
            continue;
        };
        let example = format!("{{\"{}", example.rsplit_once('`').unwrap().0);
        let arguments: Value = serde_json::from_str(&example).unwrap_or_else(|error| panic!("{error}: {example}"));
        let arguments = arguments.to_string().replace("BUCKET", BUCKET);
        let arguments: Value = serde_json::from_str(&arguments).unwrap();
        scene.call("search_catalog", &arguments).await.success();
        examples += 1;
    }
    assert_eq!(examples, 6);
    let uses = json!({ "query": format!(r"entry_pk:s3\:\/\/{BUCKET}\/plankton\/README.md*") });
    assert_eq!(
        column(scene.call("search_catalog", &uses).await.success(), "name"),
        ["examples/plankton"]
    );
    let unknown = scene
        .server
        .rpc(None, "resources/read", json!({ "uri": "quilt://nothing" }))
        .await;
    assert_eq!(unknown.body["error"]["data"]["error_code"], "no_such_resource");
    assert!(
        unknown.body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("quilt://search-syntax")
    );
}

/// The prompt names no tool of a toolset that is off.
#[tokio::test]
async fn the_prompt_that_finds_names_the_tools_that_are_on() {
    let scene = Scene::new().await;
    let text = async |toolsets: &str| {
        let params = json!({ "name": "find_and_explain", "arguments": { "question": "copepods below 100 m" } });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "prompts/get", "params": params }).to_string();
        let bearer = format!("Bearer {}", scene.dev.backend.info.users.reader.token);
        let headers = [("authorization", bearer.as_str()), ("x-mcp-toolsets", toolsets)];
        let answer = scene.server.post(body, &headers).await;
        answer.body["result"]["messages"][0]["content"]["text"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let whole = text("search,packaging,buckets").await;
    for part in [
        "copepods below 100 m",
        "search_catalog",
        "search_facets",
        "package_browse",
        "bucket_object_text",
    ] {
        assert!(whole.contains(part), "{part}: {whole}");
    }
    let alone = text("search").await;
    assert!(
        alone.contains("search_facets") && alone.contains("catalog_url"),
        "{alone}"
    );
    assert!(
        !alone.contains("package_browse") && !alone.contains("bucket_object_text"),
        "{alone}"
    );
}
