//! Effects of the arguments of the packaging tools: each argument of each tool changes the result, and the table of
//! cases is complete.
//!
//! A case is a tool, an argument, a call without it (or with another value, where it is required), its value, a place
//! in the result, and the values expected there without and with it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support::package_stage::{OTHER, PLAIN, in_bucket, several_buckets};
use crate::support::scene::{Scene, uri};
use crate::support::stage::SHARED;

/// The state that the cases speak of: `team/a` with three revisions, hashes of all as given;
/// `sci/z` and a package with much metadata; `team/a` in another bucket.
async fn stage(scene: &Scene) -> Vec<String> {
    scene
        .put(json!([
            { "key": "in/a.csv", "text": "a,b\n" }, { "key": "in/deep/b.md", "text": "# b" },
                { "key": "in/deep/er/c.TXT", "text": "c" },
        ]))
        .await;
    let aws = scene.stage.aws();
    // What one call has read is not read again: each tool has an object of its own, away from the others' prefixes.
    for number in 1..=3 {
        let key = format!("seeded/{number}/s.bin");
        aws.put_object(PLAIN, &key, "seeded", None, &[]).unwrap();
    }
    aws.put_object(OTHER, "x/o.csv", "other", None, &[]).unwrap();
    let config =
        "version: '1'\nis_workflow_required: false\nworkflows:\n  strict: {name: Strict, is_message_required: true}\n";
    aws.put_object(OTHER, ".quilt/workflows/config.yml", config, None, &[])
        .unwrap();
    let files = json!([uri("in/a.csv"), { "s3_uri": uri("in/deep/b.md"), "logical_key": "docs/b.md" }]);
    let mut hashes = Vec::new();
    for (tool, arguments) in [
        (
            "package_create",
            json!({ "name": "team/a", "files": files, "metadata": { "x": 1 }, "message": "one" }),
        ),
        (
            "package_update",
            json!({ "name": "team/a", "add": [uri("in/deep/er/c.TXT")], "message": "two" }),
        ),
        (
            "package_update",
            json!({ "name": "team/a", "remove": ["a.csv"], "message": "three" }),
        ),
        ("package_create", json!({ "name": "sci/z", "files": [uri("in/a.csv")] })),
        (
            "package_create",
            json!({ "name": "big/m", "files": [uri("in/a.csv")],
            "metadata": { "a": "x".repeat(600_000) } }),
        ),
        (
            "package_create",
            json!({ "bucket": OTHER, "name": "team/a", "files": [in_bucket(OTHER, "x/o.csv")] }),
        ),
    ] {
        let written = scene.write(tool, arguments).await;
        hashes.push(written["package"]["hash"].as_str().unwrap().to_owned());
    }
    hashes
}

/// Returns the arguments of a dry run of `package_create` with two files, and these arguments besides.
fn dry_creation(more: &Value) -> Value {
    let mut base =
        json!({ "name": "new/p", "files": [uri("in/a.csv"), uri("in/deep/b.md")], "flatten": true, "dry_run": true });
    base.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    base
}

/// The arguments of `package_create` for the content of the package.
fn creating() -> Value {
    let dry = |more: Value| dry_creation(&more);
    let tool = "package_create";
    let one = json!([uri("in/a.csv")]);
    json!([
        [
            tool,
            "bucket",
            dry(json!({ "name": "sci/z" })),
            OTHER,
            "/error_code",
            "conflict",
            null
        ],
        [tool, "name", dry(json!({})), "sci/z", "/error_code", null, "conflict"],
        [tool, "files", dry(json!({})), one, "/entries_added", 2, 1],
        [
            tool,
            "from_query",
            dry(json!({})),
            "00000000",
            "/error_code",
            null,
            "invalid_argument"
        ],
        [
            tool,
            "message",
            dry(json!({ "bucket": OTHER, "workflow": "strict" })),
            "m",
            "/error_code",
            "workflow_violation",
            null
        ],
        [
            tool,
            "readme",
            dry(json!({})),
            "# r",
            "/entries/0",
            "a.csv",
            "README.md"
        ],
        [
            tool,
            "summary",
            dry(json!({})),
            json!([{ "path": "a.csv", "title": "A" }]),
            "/entries/2",
            null,
            "quilt_summarize.json"
        ],
        [
            tool,
            "flatten",
            dry(json!({})),
            false,
            "/entries/1",
            "b.md",
            "deep/b.md"
        ],
        [
            tool,
            "auto_organize",
            dry(json!({})),
            true,
            "/entries/0",
            "a.csv",
            "data/processed/a.csv"
        ],
    ])
}

/// The arguments of `package_create` for the way in which the package is made, and its metadata.
fn creating_with_options() -> Value {
    let dry = |more: Value| dry_creation(&more);
    let tool = "package_create";
    let one = json!([uri("in/a.csv")]);
    let copied = "/bytes_copied";
    json!([
        [
            tool,
            "copy",
            json!({ "name": "new/copy", "files": one, "overwrite": true }),
            true,
            copied,
            0,
            4
        ],
        [
            tool,
            "workflow",
            dry(json!({ "bucket": OTHER })),
            "strict",
            "/error_code",
            null,
            "workflow_violation"
        ],
        [
            tool,
            "hash_type",
            dry(json!({ "files": [in_bucket(PLAIN, "seeded/1/s.bin")] })),
            "CRC64NVME",
            "/bytes_hashed",
            6,
            0
        ],
        [
            tool,
            "overwrite",
            json!({ "name": "sci/z", "files": [uri("in/deep/b.md")] }),
            true,
            "/error_code",
            "conflict",
            null
        ],
        [
            tool,
            "dry_run",
            json!({ "name": "new/dry", "files": one }),
            true,
            "/dry_run",
            null,
            true
        ],
        // With these metadata it is what there is; without them something else.
        [
            tool,
            "metadata",
            json!({ "name": "team/a", "message": "three", "files": [uri("in/deep/er/c.TXT"),
            { "s3_uri": uri("in/deep/b.md"), "logical_key": "docs/b.md" }] }),
            json!({ "x": 1 }),
            "/details/identical",
            false,
            true
        ],
    ])
}

/// Returns the arguments of a dry run of `package_create_from_s3`, and these arguments besides.
fn dry_creation_from_s3(more: &Value) -> Value {
    let mut base = json!({ "name": "new/p", "source_bucket": SHARED, "source_prefix": "in/", "flatten": true,
        "dry_run": true });
    base.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    base
}

/// The arguments of `package_create_from_s3` for the content of the package.
fn creating_from_s3() -> Value {
    let dry = |more: Value| dry_creation_from_s3(&more);
    let tool = "package_create_from_s3";
    let added = "/entries_added";
    json!([
        [
            tool,
            "bucket",
            dry(json!({ "name": "sci/z" })),
            OTHER,
            "/error_code",
            "conflict",
            null
        ],
        [tool, "name", dry(json!({})), "sci/z", "/error_code", null, "conflict"],
        [
            tool,
            "source_bucket",
            dry(json!({ "source_prefix": "" })),
            OTHER,
            "/entries/0",
            "a.csv",
            "o.csv"
        ],
        [tool, "source_prefix", dry(json!({})), "in/deep/", added, 3, 2],
        [
            tool,
            "include",
            dry(json!({})),
            json!(["*.md", "deep/er/*"]),
            added,
            3,
            2
        ],
        [tool, "exclude", dry(json!({})), json!(["deep/**"]), added, 3, 1],
        [
            tool,
            "message",
            dry(json!({ "bucket": OTHER, "workflow": "strict" })),
            "m",
            "/error_code",
            "workflow_violation",
            null
        ],
        [
            tool,
            "metadata",
            dry(json!({ "bucket": OTHER, "name": "team/a" })),
            json!({ "big": "x".repeat(1_000_000) }),
            "/error_code",
            "conflict",
            "invalid_argument"
        ],
        [tool, "readme", dry(json!({})), "# r", added, 3, 4],
        [tool, "summary", dry(json!({})), json!(["a.csv"]), added, 3, 4],
        [
            tool,
            "resume",
            dry(json!({ "flatten": false })),
            "0".repeat(64),
            "/error_code",
            null,
            "invalid_argument"
        ],
    ])
}

/// The arguments of `package_create_from_s3` for the way in which the package is made.
fn creating_from_s3_with_options() -> Value {
    let dry = |more: Value| dry_creation_from_s3(&more);
    let tool = "package_create_from_s3";
    json!([
        [
            tool,
            "flatten",
            dry(json!({})),
            false,
            "/entries/2",
            "c.TXT",
            "deep/er/c.TXT"
        ],
        [
            tool,
            "auto_organize",
            dry(json!({})),
            true,
            "/entries/1",
            "b.md",
            "data/raw/c.TXT"
        ],
        [
            tool,
            "copy",
            json!({ "name": "new/from", "source_bucket": SHARED, "source_prefix": "in/",
            "overwrite": true }),
            true,
            "/bytes_copied",
            0,
            8
        ],
        [
            tool,
            "workflow",
            dry(json!({ "bucket": OTHER })),
            "strict",
            "/error_code",
            null,
            "workflow_violation"
        ],
        [
            tool,
            "hash_type",
            dry(json!({ "source_bucket": PLAIN, "source_prefix": "seeded/2/" })),
            "CRC64NVME",
            "/bytes_hashed",
            6,
            0
        ],
        [
            tool,
            "overwrite",
            json!({ "name": "sci/z", "source_bucket": SHARED, "source_prefix": "in/deep/" }),
            true,
            "/error_code",
            "conflict",
            null
        ],
        [
            tool,
            "dry_run",
            json!({ "name": "new/dry_from", "source_bucket": SHARED, "source_prefix": "in/" }),
            true,
            "/dry_run",
            null,
            true
        ],
    ])
}

/// A dry run of an update of `team/a`.
fn dry_update(more: &Value) -> Value {
    let mut base = json!({ "name": "team/a", "message": "m", "dry_run": true });
    base.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    base
}

/// The arguments of `package_update` that add the objects below prefixes.
fn updating_from_s3(hashes: &[String]) -> Value {
    let dry = |more: Value| dry_update(&more);
    let tool = "package_update";
    json!([
        [
            tool,
            "add_from_s3",
            dry(json!({})),
            json!([{ "source_prefix": "in/deep/" }]),
            "/diff/added",
            0,
            2
        ],
        [
            tool,
            "resume",
            dry(json!({ "expected_hash": hashes[2] })),
            hashes[1],
            "/error_code",
            null,
            "invalid_argument"
        ],
    ])
}

fn updating(hashes: &[String]) -> Value {
    let dry = |more: Value| dry_update(&more);
    let tool = "package_update";
    let add = json!([uri("in/a.csv")]);
    json!([
        [tool, "bucket", dry(json!({})), OTHER, "/total_bytes", 4, 5],
        [
            tool,
            "name",
            dry(json!({})),
            "no/such",
            "/error_code",
            null,
            "no_such_package"
        ],
        [tool, "add", dry(json!({})), add, "/diff/added", 0, 1],
        [tool, "readme", dry(json!({})), "# r", "/diff/added", 0, 1],
        [tool, "summary", dry(json!({})), json!(["c.TXT"]), "/diff/added", 0, 1],
        [tool, "remove", dry(json!({})), json!(["docs/"]), "/diff/removed", 0, 1],
        [
            tool,
            "metadata",
            dry(json!({})),
            json!({ "big": "x".repeat(1_000_000) }),
            "/error_code",
            null,
            "invalid_argument"
        ],
        // Neither half is too much for a manifest; both together are.
        [
            tool,
            "metadata_mode",
            json!({ "name": "big/m", "metadata": { "b": "x".repeat(600_000) },
            "dry_run": true }),
            "replace",
            "/error_code",
            "invalid_argument",
            null
        ],
        [
            tool,
            "message",
            json!({ "bucket": OTHER, "name": "team/a", "workflow": "strict", "dry_run": true,
            "metadata": {} }),
            "m",
            "/error_code",
            "workflow_violation",
            null
        ],
        [
            tool,
            "expected_hash",
            dry(json!({})),
            hashes[0],
            "/error_code",
            null,
            "conflict"
        ],
        [
            tool,
            "workflow",
            dry(json!({ "bucket": OTHER, "message": "", "metadata": {} })),
            "strict",
            "/error_code",
            null,
            "workflow_violation"
        ],
        [
            tool,
            "hash_type",
            dry(json!({ "add": [in_bucket(PLAIN, "seeded/3/s.bin")] })),
            "CRC64NVME",
            "/bytes_hashed",
            6,
            0
        ],
        [
            tool,
            "copy",
            json!({ "name": "team/a", "add": add }),
            true,
            "/bytes_copied",
            0,
            4
        ],
        [
            tool,
            "dry_run",
            json!({ "name": "team/a", "message": "really" }),
            true,
            "/dry_run",
            null,
            true
        ],
    ])
}

/// The arguments of `package_browse` and `package_diff`.
fn browsing(hashes: &[String]) -> Value {
    let a = || json!({ "name": "team/a" });
    let browse = "package_browse";
    let diff = "package_diff";
    let first = hashes[0].clone();
    let added = "/counts/added";
    json!([
        [browse, "bucket", a(), OTHER, "/package/total_entries", 2, 1],
        [browse, "name", a(), "sci/z", "/package/total_entries", 2, 1],
        [browse, "hash", a(), first[..6], "/package/message", "three", "one"],
        [
            browse,
            "path",
            a(),
            "docs",
            "/entries/0/logical_key",
            "c.TXT",
            "docs/b.md"
        ],
        [
            browse,
            "recursive",
            a(),
            true,
            "/entries/1/logical_key",
            "docs/",
            "docs/b.md"
        ],
        [browse, "limit", a(), 1, "/returned", 2, 1],
        [browse, "match", a(), "*.md", "/returned", 2, 1],
        [
            browse,
            "uses",
            a(),
            uri("in/deep/b.md"),
            "/entries/0/logical_key",
            "c.TXT",
            "docs/b.md"
        ],
        [browse, "start_after", a(), "c.TXT", "/returned", 2, 1],
        [
            browse,
            "detail",
            a(),
            "full",
            "/entries/0/hash/type",
            null,
            "sha2-256-chunked"
        ],
        [diff, "bucket", a(), OTHER, "/error_code", null, "invalid_argument"],
        [diff, "name", a(), "sci/z", "/error_code", null, "invalid_argument"],
        [diff, "hash", a(), first, added, 0, 1],
        [diff, "other_hash", a(), first, added, 0, 1],
        [diff, "other_name", a(), "sci/z", "/counts/removed", 1, 2],
        [diff, "other_bucket", a(), OTHER, "/to/bucket", SHARED, OTHER],
        [
            diff,
            "limit",
            json!({ "name": "team/a", "hash": first }),
            1,
            "/added/0/logical_key",
            "c.TXT",
            null
        ],
    ])
}

/// The arguments of the other tools that read, and of a dry run of `package_delete`.
fn reading(hashes: &[String]) -> Value {
    let a = || json!({ "name": "team/a" });
    let second = hashes[1].clone();
    json!([
        [
            "package_verify",
            "bucket",
            a(),
            PLAIN,
            "/error_code",
            null,
            "no_such_package"
        ],
        [
            "package_verify",
            "name",
            a(),
            "no/such",
            "/error_code",
            null,
            "no_such_package"
        ],
        ["package_verify", "hash", a(), second, "/top_hash", hashes[2], second],
        [
            "package_verify",
            "check_objects",
            a(),
            true,
            "/objects/checked",
            null,
            2
        ],
        ["package_versions", "bucket", a(), OTHER, "/returned", 3, 1],
        ["package_versions", "name", a(), "sci/z", "/returned", 3, 1],
        ["package_versions", "limit", a(), 1, "/returned", 3, 1],
        [
            "package_versions",
            "detail",
            a(),
            "brief",
            "/versions/0/message",
            "three",
            null
        ],
        [
            "package_list",
            "detail",
            json!({ "prefix": "team" }),
            "full",
            "/packages/0/total_entries",
            null,
            2
        ],
        ["package_list", "bucket", json!({}), OTHER, "/returned", 3, 1],
        [
            "package_list",
            "prefix",
            json!({}),
            "t",
            "/packages/0/name",
            "big/m",
            "team/a"
        ],
        ["package_list", "limit", json!({}), 1, "/returned", 3, 1],
        [
            "package_templates",
            "template_name",
            json!({}),
            "model",
            "/templates/dataset/description",
            "Data that were collected",
            null
        ],
        [
            "package_delete",
            "hash",
            json!({ "name": "team/a", "dry_run": true }),
            hashes[0],
            "/latest_after",
            null,
            hashes[2]
        ],
        [
            "workflow_list",
            "bucket",
            json!({}),
            OTHER,
            "/workflows/0/id",
            null,
            "strict"
        ],
    ])
}

fn deleting(hashes: &[String]) -> Value {
    let tool = "package_delete";
    let dry = || json!({ "name": "team/a", "dry_run": true });
    json!([
        [tool, "bucket", dry(), OTHER, "/bucket", SHARED, OTHER],
        [tool, "name", dry(), "no/such", "/error_code", null, "no_such_package"],
        [
            tool,
            "confirm",
            json!({ "name": "sci/z" }),
            "sci/z",
            "/error_code",
            "confirmation_required",
            null
        ],
        [tool, "expected_hash", dry(), hashes[0], "/error_code", null, "conflict"],
        [
            tool,
            "dry_run",
            json!({ "name": "team/a", "confirm": "team/a" }),
            true,
            "/dry_run",
            null,
            true
        ],
    ])
}

fn copying(hashes: &[String]) -> Value {
    let tool = "package_copy";
    let given = |more: Value| {
        let mut base = json!({ "name": "team/a", "dry_run": true });
        base.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        base
    };
    let new = || given(json!({ "dest_bucket": OTHER, "dest_name": "new/c" }));
    let plain = |more: &Value| {
        let mut base = given(json!({ "name": "sci/z", "dest_bucket": OTHER, "dest_name": "new/c" }));
        base.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        base
    };
    let wet = json!({ "name": "team/a", "dest_bucket": OTHER, "dest_name": "new/wet", "overwrite": true });
    json!([
        [tool, "bucket", new(), OTHER, "/entries_added", 2, 1],
        [tool, "name", new(), "sci/z", "/entries_added", 2, 1],
        [
            tool,
            "hash",
            given(json!({ "dest_name": "new/c" })),
            hashes[0],
            "/package/hash",
            hashes[2],
            hashes[0]
        ],
        [
            tool,
            "dest_bucket",
            given(json!({ "dest_name": "sci/z" })),
            OTHER,
            "/error_code",
            "conflict",
            null
        ],
        [
            tool,
            "dest_name",
            given(json!({ "dest_bucket": OTHER })),
            "new/c",
            "/error_code",
            "conflict",
            null
        ],
        [
            tool,
            "message",
            plain(&json!({ "workflow": "strict" })),
            "m",
            "/error_code",
            "workflow_violation",
            null
        ],
        [tool, "metadata", new(), json!({ "x": 2 }), "/metadata/x", 1, 2],
        [
            tool,
            "workflow",
            plain(&json!({})),
            "strict",
            "/error_code",
            null,
            "workflow_violation"
        ],
        [tool, "copy", wet, false, "/bytes_copied", 4, 0],
        [
            tool,
            "overwrite",
            given(json!({ "dest_bucket": OTHER })),
            true,
            "/error_code",
            "conflict",
            null
        ],
        [
            tool,
            "dry_run",
            json!({ "name": "sci/z", "dest_name": "new/dry", "overwrite": true }),
            true,
            "/dry_run",
            null,
            true
        ],
    ])
}

fn rolling_back(hashes: &[String]) -> Value {
    let tool = "package_rollback";
    let dry = || json!({ "name": "team/a", "hash": hashes[2], "dry_run": true });
    json!([
        [tool, "bucket", dry(), OTHER, "/error_code", null, "no_such_package"],
        [tool, "name", dry(), "sci/z", "/error_code", null, "invalid_argument"],
        [
            tool,
            "hash",
            dry(),
            hashes[1][..8],
            "/latest_after",
            hashes[2],
            hashes[1]
        ],
        [tool, "expected_hash", dry(), hashes[0], "/error_code", null, "conflict"],
        [
            tool,
            "dry_run",
            json!({ "name": "team/a", "hash": hashes[2] }),
            true,
            "/dry_run",
            null,
            true
        ],
    ])
}

/// Calls with and without, and records the tools and arguments that were shown to matter.
async fn show(scene: &Scene, cases: &Value, covered: &mut BTreeMap<String, BTreeSet<String>>) {
    for case in cases.as_array().unwrap() {
        let [tool, argument, base, value, place, without, with] = case.as_array().unwrap().as_slice() else {
            panic!("{case} is no case");
        };
        let (tool, argument, place) = (
            tool.as_str().unwrap(),
            argument.as_str().unwrap(),
            place.as_str().unwrap(),
        );
        let ask = async |mut arguments: Value| {
            if tool != "package_templates" && arguments.get("bucket").is_none() {
                arguments["bucket"] = SHARED.into();
            }
            let answer = scene.server.call(&scene.writer, tool, arguments).await.output().clone();
            (answer.pointer(place).cloned().unwrap_or_default(), answer)
        };
        let mut more = base.clone();
        more[argument] = value.clone();
        // Of two calls that write, the one with the argument comes first: then a dry run has not been run before.
        let (found, answer) = ask(more).await;
        assert_eq!(found, *with, "{tool} with {argument}: {answer}");
        let (found, answer) = ask(base.clone()).await;
        assert_eq!(found, *without, "{tool} without {argument}: {answer}");
        assert_ne!(with, without, "{tool}: {argument} changes nothing");
        covered.entry(tool.to_owned()).or_default().insert(argument.to_owned());
    }
}

#[tokio::test]
async fn every_argument_changes_the_outcome() {
    let scene = several_buckets().await;
    let hashes = stage(&scene).await;
    // Pages and their cursors have tests of their own.
    let paged = ["package_browse", "package_diff", "package_list", "package_versions"];
    let mut covered: BTreeMap<String, BTreeSet<String>> = paged
        .into_iter()
        .map(|tool| (tool.to_owned(), BTreeSet::from(["cursor".to_owned()])))
        .collect();
    // Reading first: the others change its results.
    for cases in [
        browsing(&hashes),
        reading(&hashes),
        creating_from_s3(),
        creating_from_s3_with_options(),
        creating(),
        creating_with_options(),
        updating_from_s3(&hashes),
        updating(&hashes),
        rolling_back(&hashes),
        copying(&hashes),
        deleting(&hashes),
    ] {
        show(&scene, &cases, &mut covered).await;
    }
    let listed = scene.server.rpc(Some(&scene.writer), "tools/list", json!({})).await;
    let mut all = BTreeMap::new();
    for tool in listed.body["result"]["tools"].as_array().unwrap() {
        let name = tool["name"].as_str().unwrap();
        if name.starts_with("package_") || name == "workflow_list" {
            let arguments = tool["inputSchema"]["properties"]
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect();
            all.insert(name.to_owned(), arguments);
        }
    }
    assert_eq!(covered, all);
}
