//! Refusals: bad arguments, sources that do not exist or are not readable, callers without a right to write. Each is
//! one sentence and writes nothing. And requests that look like these, and are accepted.

use serde_json::{Value, json};

use crate::support::on_both::on_both;
use crate::support::package_stage::{OTHER, PLAIN, in_bucket, several_buckets};
use crate::support::scene::{Scene, keys, uri};
use crate::support::stage::{PRIVATE, SHARED, Stage};

fn with(arguments: &Value, more: &Value) -> Value {
    let mut arguments = arguments.clone();
    arguments
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    arguments
}

/// Writes a package, and the sources for another.
async fn package(scene: &Scene) -> String {
    scene
        .put(
            json!([{ "key": "in/a.csv", "text": "a" }, { "key": "in/d/a.csv", "text": "aa" }, { "key": "in/d/b",
        "text": "b" }]),
        )
        .await;
    let created = scene
        .write(
            "package_create",
            json!({ "name": "t/p", "files": [uri("in/a.csv")], "message": "first" }),
        )
        .await;
    created["package"]["hash"].as_str().unwrap().to_owned()
}

/// A tool, arguments that take the place of its [`good`] ones, and what the refusal has to say.
type Bad = (&'static str, Value, &'static str);

/// Arguments that are taken.
fn good(tool: &str) -> Value {
    match tool {
        "package_create" => json!({ "name": "t/new", "files": [uri("in/a.csv")] }),
        "package_create_from_s3" => json!({ "name": "t/new", "source_bucket": SHARED, "source_prefix": "in/d/" }),
        "package_list" | "package_templates" | "workflow_list" => json!({}),
        _ => json!({ "name": "t/p" }),
    }
}

fn bad_names_and_places() -> Vec<Bad> {
    let file = |more: Value| json!({ "files": [with(&json!({ "s3_uri": uri("in/a.csv") }), &more)] });
    let mut cases = Vec::new();
    for name in ["", "p", "t/", "/p", "t/p/q", "t/é", "t.x/p", "t/p\n", "t p/q", "../p"] {
        cases.push(("package_create", json!({ "name": name }), "name"));
        cases.push(("package_create_from_s3", json!({ "name": name }), "name"));
        cases.push(("package_update", json!({ "name": name, "message": "m" }), "name"));
    }
    for name in ["", "p", "t/", "/p", "t/p/q"] {
        for tool in [
            "package_browse",
            "package_versions",
            "package_diff",
            "package_verify",
            "package_delete",
        ] {
            cases.push((tool, json!({ "name": name, "confirm": name }), "name"));
        }
    }
    for bucket in ["", "A", "x", "a..b", "s3://it-shared/key", "it shared"] {
        cases.push(("package_create", json!({ "bucket": bucket }), "bucket"));
        // A blank text is absence where the argument is optional.
        if !bucket.is_empty() {
            cases.push((
                "package_create_from_s3",
                json!({ "source_bucket": bucket }),
                "source_bucket",
            ));
            cases.push(("package_diff", json!({ "other_bucket": bucket }), "other_bucket"));
        }
        cases.push(("package_list", json!({ "bucket": bucket }), "bucket"));
        cases.push(("workflow_list", json!({ "bucket": bucket }), "bucket"));
    }
    for s3_uri in [
        "",
        "in/a.csv",
        "s3://it-shared",
        "s3://it-shared/",
        "https://x/y",
        "s3://it-shared/in/a.csv?x=1",
        "s3://it-shared/%FF",
        "s3://UP/a",
        "s3://it-shared/in/a.csv#x",
    ] {
        cases.push(("package_create", json!({ "files": [s3_uri] }), "files[0]"));
        cases.push(("package_update", json!({ "add": [{ "s3_uri": s3_uri }] }), "add[0]"));
    }
    for key in ["/a", "a/", "a//b", ".", "..", "a/../b", "a/./b"] {
        cases.push(("package_create", file(json!({ "logical_key": key })), "files[0]"));
    }
    cases
}

fn bad_contents(hash: &str) -> Vec<Bad> {
    let file = |more: Value| json!({ "files": [with(&json!({ "s3_uri": uri("in/a.csv") }), &more)] });
    let two = |one: &str, other: &str| {
        json!({ "files": [
            { "s3_uri": uri("in/a.csv"), "logical_key": one }, { "s3_uri": uri("in/d/b"), "logical_key": other }] })
    };
    let mut cases = Vec::new();
    for (more, said) in [
        (file(json!({ "meta": "text" })), "files[0]"),
        (file(json!({ "meta": [1] })), "files[0]"),
        (file(json!({ "key": "x" })), "files[0]"),
        (json!({ "files": [1] }), "files[0]"),
        (json!({ "files": "x" }), "files"),
        (json!({ "files": [] }), "files"),
        (json!({ "metadata": "text" }), "metadata"),
        (json!({ "metadata": [1] }), "metadata"),
        (json!({ "metadata": { "x": "y".repeat(1_000_001) } }), "1000000"),
        (file(json!({ "meta": { "x": "y".repeat(1_000_001) } })), "1000000"),
        (json!({ "hash_type": "MD5" }), "hash_type"),
        (json!({ "flatten": "no" }), "flatten"),
        (json!({ "unknown": 1 }), "unknown"),
        (two("a", "a"), "Two files go to the logical key `a`"),
        (two("a", "a/b"), "`a/b`"),
        (
            json!({ "files": [uri("in/a.csv"), uri("in/d/a.csv")], "flatten": true }),
            "a.csv",
        ),
        (
            with(&file(json!({ "logical_key": "README.md" })), &json!({ "readme": "x" })),
            "README.md",
        ),
        (
            with(
                &file(json!({ "logical_key": "README.md/x" })),
                &json!({ "readme": "x" }),
            ),
            "README.md",
        ),
    ] {
        cases.push(("package_create", more, said));
    }
    for (more, said) in [
        (json!({ "include": ["a["] }), "include"),
        (json!({ "exclude": ["{a"] }), "exclude"),
        (json!({ "include": 7 }), "include"),
        (json!({ "include": ["*.none"] }), "No object"),
        (json!({ "exclude": ["**"] }), "No object"),
        (json!({ "source_prefix": "none/" }), "No object"),
        (json!({ "source_prefix": "in/", "flatten": true }), "a.csv"),
    ] {
        cases.push(("package_create_from_s3", more, said));
    }
    for (more, said) in [
        (json!({}), "Nothing is to change"),
        (json!({ "remove": ["none"] }), "`none`"),
        (json!({ "remove": ["none/"] }), "`none/`"),
        (json!({ "remove": ["a.csv/"] }), "`a.csv/`"),
        (json!({ "remove": ["/"] }), "remove"),
        (json!({ "remove": [""] }), "remove"),
        (json!({ "message": "m", "expected_hash": "abc" }), "expected_hash"),
        (
            json!({ "message": "m",
            "metadata_mode": "x" }),
            "metadata_mode",
        ),
        (
            json!({ "add": [{ "s3_uri": uri("in/d/b"), "logical_key": "a.csv/x" }] }),
            "a.csv",
        ),
        (json!({ "add": [uri("in/a.csv"), uri("in/d/a.csv")] }), "a.csv"),
        (json!({ "metadata": { "x": "y".repeat(1_000_001) } }), "1000000"),
    ] {
        cases.push(("package_update", more, said));
    }
    for wanted in [
        "abcde",
        "ABCDEF",
        &hash[..5],
        &format!("{hash}0"),
        "latest ish",
        "xyz123",
    ] {
        cases.push(("package_browse", json!({ "hash": wanted }), "names no revision"));
        cases.push(("package_verify", json!({ "hash": wanted }), "names no revision"));
        cases.push(("package_diff", json!({ "other_hash": wanted }), "names no revision"));
        cases.push((
            "package_delete",
            json!({ "hash": wanted, "confirm": "t/p" }),
            "names no revision",
        ));
    }
    for limit in [json!(0), json!(1001), json!(-1), json!(1.5), json!("one")] {
        for tool in ["package_browse", "package_diff", "package_versions", "package_list"] {
            cases.push((tool, json!({ "limit": limit }), "limit"));
        }
    }
    cases.push(("package_diff", json!({}), "only the revision"));
    cases.push(("package_templates", json!({ "template_name": "none" }), "`none`"));
    cases
}

fn bad_prefixes(hash: &str) -> Vec<Bad> {
    let cases = [
        (json!({ "add_from_s3": ["in/"] }), "add_from_s3[0]"),
        (json!({ "add_from_s3": [{ "include": ["*"] }] }), "source_prefix"),
        (
            json!({ "add_from_s3": [{ "source_prefix": "in/", "prefix": "x" }] }),
            "add_from_s3[0].prefix",
        ),
        (
            json!({ "add_from_s3": [{ "source_prefix": "in/", "include": ["["] }] }),
            "include",
        ),
        (
            json!({ "add_from_s3": [{ "source_prefix": "in/", "logical_prefix": "../x" }] }),
            "logical_prefix",
        ),
        (json!({ "add_from_s3": [{ "source_prefix": "in/none/" }] }), "in/none/"),
        (json!({ "message": "m", "resume": "x" }), "resume"),
        (json!({ "message": "m", "resume": hash }), "expected_hash"),
    ];
    cases.map(|(more, said)| ("package_update", more, said)).to_vec()
}

on_both! {
    async fn a_bad_argument_is_named_and_nothing_is_written(scene) {
        let hash = package(&scene).await;
        let before = scene.stage.written(SHARED).await;
        for (tool, more, said) in [bad_names_and_places(), bad_contents(&hash), bad_prefixes(&hash)].concat() {
            let mut arguments = with(&good(tool), &more);
            if tool != "package_templates" && arguments.get("bucket").is_none() {
                arguments["bucket"] = SHARED.into();
            }
            let shown: String = arguments.to_string().chars().take(200).collect();
            let answer = scene.server.call(&scene.writer, tool, arguments).await;
            let sentence = answer.failure("invalid_argument")["error"].as_str().unwrap();
            assert!(sentence.contains(said), "{tool} {shown}: {sentence}");
            assert!(sentence.ends_with('.') && !sentence.contains('\n') && sentence.len() < 400,
                "{tool} {shown}: {sentence}");
        }
        assert_eq!(scene.stage.written(SHARED).await, before, "something was written");
    }

    async fn sources_that_are_not_there_or_not_the_callers_write_nothing(scene) {
        package(&scene).await;
        scene.stage.seed(PRIVATE, "secret.txt", b"s").await;
        let private = format!("s3://{PRIVATE}/secret.txt");
        let (missing, version) = (uri("in/none"), format!("{}?versionId=00000000000000000000000000000000",
            uri("in/a.csv")));
        for copy in [false, true] {
            for (source, code) in [(&missing, "no_such_key"), (&private, "access_denied")] {
                let create = json!({ "name": "t/new", "files": [uri("in/a.csv"), source], "copy": copy, "readme": "x",
                    "flatten": false });
                scene.refuses("package_create", create, code).await;
                scene.refuses("package_update", json!({ "name": "t/p", "add": [source], "copy": copy }), code).await;
            }
        }
        let gone = scene.server.call(&scene.writer, "package_create", json!({ "bucket": SHARED, "name": "t/new",
            "files": [version] })).await;
        assert_eq!(gone.body["result"]["isError"], true, "{}", gone.body);
        // SeaweedFS looks at the policy before it looks for the bucket.
        let nowhere = if scene.is_embedded() { "no_such_bucket" } else { "access_denied" };
        let from = json!({ "name": "t/new", "source_bucket": PRIVATE });
        scene.refuses("package_create_from_s3", from, "access_denied").await;
        scene.refuses("package_create", json!({ "name": "t/new", "files": ["s3://it-no-such-bucket/x"] }), nowhere).await;
        let listed = scene.read("package_list", json!({})).await;
        assert_eq!(listed["returned"], 1);
    }

    async fn who_may_not_write_is_told_so_and_writes_nothing(scene) {
        let hash = package(&scene).await;
        let before = scene.stage.written(SHARED).await;
        for (tool, arguments) in [
            ("package_create", json!({ "name": "t/new", "files": [uri("in/a.csv")] })),
            ("package_create", json!({ "name": "t/new", "files": [uri("in/a.csv")], "copy": true })),
            ("package_create", json!({ "name": "t/new", "files": [], "readme": "x" })),
            ("package_create", json!({ "name": "t/p", "files": [uri("in/d/b")], "overwrite": true })),
            ("package_create_from_s3", json!({ "name": "t/new", "source_bucket": SHARED, "source_prefix": "in/d/" })),
            ("package_update", json!({ "name": "t/p", "message": "m" })),
            ("package_delete", json!({ "name": "t/p", "confirm": "t/p" })),
            ("package_delete", json!({ "name": "t/p", "confirm": "t/p", "hash": hash })),
        ] {
            let answer = scene.server.call(&scene.reader, tool, with(&arguments, &json!({ "bucket": SHARED }))).await;
            let refusal = answer.failure("access_denied");
            assert_eq!(refusal["retryable"], false, "{refusal}");
            assert_eq!(scene.stage.written(SHARED).await, before, "{tool} {arguments}");
        }
        // What writes nothing, the reader may do.
        scene.read("package_create", json!({ "name": "t/new", "files": [uri("in/a.csv")], "dry_run": true })).await;
        scene.read("package_delete", json!({ "name": "t/p", "dry_run": true })).await;
    }

    async fn a_source_is_pinned_to_the_version_that_was_meant(scene) {
        let versions: Vec<String> = {
            let mut versions = Vec::new();
            for text in ["one", "second"] {
                let put = scene.put(json!([{ "key": "v.txt", "text": text }])).await;
                versions.push(put["results"][0]["s3_uri"].as_str().unwrap().to_owned());
            }
            versions
        };
        let files = json!([{ "s3_uri": versions[0], "logical_key": "old" }, { "s3_uri": uri("v.txt"),
            "logical_key": "new" }]);
        scene.write("package_create", json!({ "name": "t/p", "files": files })).await;
        scene.put(json!([{ "key": "v.txt", "text": "the third" }])).await;
        let entries = scene.read("package_browse", json!({ "name": "t/p", "detail": "full" })).await["entries"].clone();
        assert_eq!((&entries[0]["s3_uri"], &entries[0]["size"]), (&json!(versions[1]), &json!(6)));
        assert_eq!((&entries[1]["s3_uri"], &entries[1]["size"]), (&json!(versions[0]), &json!(3)));
        let verified = scene.read("package_verify", json!({ "name": "t/p", "check_objects": true })).await;
        assert_eq!(verified["objects"]["ok"], 2);

        // The version, also where it is copied.
        scene.write("package_create", json!({ "name": "t/copy", "files": [versions[0]], "copy": true })).await;
        let copied = scene.read("package_browse", json!({ "name": "t/copy", "detail": "full" })).await["entries"][0].clone();
        assert_eq!((&copied["size"], &copied["hash"]), (&json!(3), &entries[1]["hash"]));
    }

    async fn a_hash_may_be_told_by_its_beginning_while_it_is_the_only_one(scene) {
        let hash = package(&scene).await;
        for length in [6, 7, 63, 64] {
            let shown = scene.read("package_browse", json!({ "name": "t/p", "hash": hash[..length] })).await;
            assert_eq!(shown["package"]["hash"], hash);
        }
        let twin = format!("{}{}", &hash[..10], "0".repeat(54));
        scene.stage.seed(SHARED, &format!(".quilt/packages/{twin}"), b"x").await;
        let refusal = scene.refuses("package_browse", json!({ "name": "t/p", "hash": hash[..10] }),
            "invalid_argument").await;
        let sentence = refusal["error"].as_str().unwrap();
        assert!(sentence.contains(&hash) && sentence.contains(&twin), "both are named: {sentence}");
        scene.read("package_browse", json!({ "name": "t/p", "hash": hash[..12] })).await;
        let none = if hash.starts_with("abcdef") { "fedcba" } else { "abcdef" };
        scene.refuses("package_browse", json!({ "name": "t/p", "hash": none }), "no_such_package").await;
    }
}

#[tokio::test]
async fn files_may_come_from_several_buckets() {
    let scene = several_buckets().await;
    let aws = scene.stage.aws();
    aws.put_object(SHARED, "a/1.txt", "one", None, &[]).unwrap();
    let version = aws.put_object(OTHER, "b/2.txt", "two", None, &[]).unwrap().unwrap();
    aws.put_object(PLAIN, "c/3.txt", "three", None, &[]).unwrap();
    let files = json!([uri("a/1.txt"), in_bucket(OTHER, "b/2.txt"), in_bucket(PLAIN, "c/3.txt")]);
    let create = json!({ "name": "t/p", "files": files, "flatten": false });
    let created = scene.write("package_create", create.clone()).await;
    assert_eq!(created["bytes_hashed"], 11);
    let entries = scene
        .read(
            "package_browse",
            json!({ "name": "t/p", "recursive": true, "detail": "full" }),
        )
        .await;
    assert_eq!(keys(&entries), ["a/1.txt", "b/2.txt", "c/3.txt"]);
    assert_eq!(
        entries["entries"][1]["s3_uri"],
        format!("s3://{OTHER}/b/2.txt?versionId={version}")
    );
    assert_eq!(
        entries["entries"][2]["s3_uri"],
        format!("s3://{PLAIN}/c/3.txt"),
        "no version where there are none"
    );

    let copied = scene
        .write(
            "package_create",
            with(&create, &json!({ "name": "t/copy", "copy": true })),
        )
        .await;
    assert_eq!(
        copied["package"]["hash"], created["package"]["hash"],
        "where the bytes lie is not part of a package's content"
    );
    assert_eq!(copied["bytes_copied"], 11);
    assert_eq!(aws.object_bytes(SHARED, "t/copy/c/3.txt").unwrap(), b"three");
}

#[tokio::test]
async fn a_bucket_without_versions_holds_packages_too() {
    let scene = several_buckets().await;
    let aws = scene.stage.aws();
    aws.put_object(PLAIN, "in/a.txt", "one", None, &[]).unwrap();
    let call = |more: Value| with(&json!({ "bucket": PLAIN, "name": "t/p" }), &more);
    let created = scene
        .write(
            "package_create",
            call(json!({ "files": [in_bucket(PLAIN, "in/a.txt")], "readme": "r", "copy": true })),
        )
        .await;
    let updated = scene
        .write(
            "package_update",
            call(json!({ "remove": ["README.md"], "message": "m" })),
        )
        .await;
    let browsed = scene.read("package_browse", call(json!({ "detail": "full" }))).await;
    assert_eq!(browsed["entries"][0]["s3_uri"], in_bucket(PLAIN, "t/p/a.txt"));
    let versions = scene.read("package_versions", call(json!({}))).await;
    assert_eq!(versions["versions"][0]["hash"], updated["package"]["hash"]);
    assert_eq!(versions["versions"][1]["hash"], created["package"]["hash"]);
    let verified = scene
        .read("package_verify", call(json!({ "check_objects": true })))
        .await;
    assert_eq!(verified["objects"]["ok"], 1);
    // Nothing pins an object here, so verification has to notice that it was replaced.
    aws.put_object(PLAIN, "t/p/a.txt", "two", None, &[]).unwrap();
    let verified = scene
        .read("package_verify", call(json!({ "check_objects": true })))
        .await;
    assert_eq!(verified["objects"]["mismatched"][0]["logical_key"], "a.txt");
    let gone = scene.write("package_delete", call(json!({ "confirm": "t/p" }))).await;
    assert_eq!(gone["deleted_pointers"].as_array().unwrap().len(), 3);
    assert!(
        aws.keys(PLAIN)
            .iter()
            .all(|key| !key.starts_with(".quilt/named_packages/"))
    );
}

/// Names are case-sensitive, and a model repeats what it reads.
#[tokio::test]
async fn names_are_repeated_as_they_are() {
    let scene = Scene::on(Stage::embedded().await).await;
    package(&scene).await;
    let failure = scene
        .refuses("package_diff", json!({ "name": "t/p" }), "invalid_argument")
        .await;
    let sentence = failure["error"].as_str().unwrap();
    assert!(
        sentence.starts_with("The package t/p has only the revision"),
        "{sentence}"
    );
    let nowhere = json!({ "bucket": "it-no-such-bucket", "name": "t/p" });
    let failure = scene.refuses("package_browse", nowhere, "no_such_bucket").await;
    assert_eq!(failure["error"], "There is no bucket s3://it-no-such-bucket.");
    let key = ".quilt/named_packages/t/bad/latest";
    scene.stage.seed(SHARED, key, b"no hash").await;
    let failure = scene
        .fails("package_browse", json!({ "name": "t/bad" }), "invalid_manifest")
        .await;
    let sentence = failure["error"].as_str().unwrap();
    assert!(
        sentence.starts_with(&format!("s3://{SHARED}/{key} holds no top hash")),
        "{sentence}"
    );
}
