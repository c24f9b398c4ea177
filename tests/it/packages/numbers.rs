//! Numbers of metadata, which come out of every tool as they went in, and are hashed as quilt3 hashes them.

use quilt_format::Manifest;
use serde_json::{Value, json};

use crate::support::on_both::on_both;
use crate::support::quilt3::Quilt3;
use crate::support::scene::{Scene, uri};
use crate::support::stage::{SHARED, Stage};

/// Metadata with numbers that do not survive a conversion to 64 bits, or that have several spellings.
const META: &str = r#"{"big":12345678901234567890123,"min":-9223372036854775809,"u64":18446744073709551615,"e":1E5,"one":1.0,
    "small":1e-7,"exact":31.245270191439438,"tie":1113178120592002.25,"zero":-0,"nought":-0.0,
    "max":1.7976931348623157e308,"sixteen":1e16,"list":[123456789012345678901234567890,{"x":9007199254740993}]}"#;
/// The same as Python writes it.
const AS_PYTHON: &str = r#"{"big":12345678901234567890123,"min":-9223372036854775809,"u64":18446744073709551615,"e":100000.0,"one":1.0,"small":1e-07,"exact":31.245270191439438,"tie":1113178120592002.2,"zero":0,"nought":-0.0,"max":1.7976931348623157e+308,"sixteen":1e+16,"list":[123456789012345678901234567890,{"x":9007199254740993}]}"#;

/// Calls a tool with arguments as JSON text, and returns its result as JSON text.
async fn call(scene: &Scene, token: &str, tool: &str, arguments: &str) -> String {
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#
    );
    let answer = scene
        .server
        .post(body, &[("authorization", &format!("Bearer {token}"))])
        .await;
    answer.success();
    answer.body["result"]["content"][0]["text"].as_str().unwrap().to_owned()
}

fn hash(result: &str) -> Value {
    serde_json::from_str::<Value>(result).unwrap()["package"]["hash"].clone()
}

on_both! {
    async fn numbers_are_those_of_quilt3_wherever_metadata_stands(scene) {
        let mut quilt3 = Quilt3::at(&scene.stage).await;
        scene.put(json!([{ "key": "in/a", "text": "a" }, { "key": "in/b", "text": "b" }])).await;
        let file = json!({ "key": "d/a", "uri": uri("in/a"), "meta_text": META });
        let theirs = quilt3.does("push", json!({ "name": "theirs/n", "meta_text": META, "files": [file] })).await;

        let text = Value::from(META).to_string();
        let files = |meta: &str| format!(r#"[{{"s3_uri":"{}","logical_key":"d/a","meta":{meta}}}]"#, uri("in/a"));
        let arguments = |name: &str, meta: &str| {
            format!(r#""bucket":"{SHARED}","name":"{name}","files":{},"metadata":{meta}"#, files(meta))
        };
        let params = |name: &str, meta: &str| Value::from(format!("{{{}}}", arguments(name, meta))).to_string();
        let files_text = Value::from(files(META)).to_string();
        for (number, (tool, arguments)) in [
            ("package_create", format!("{{{}}}", arguments("o/n0", META))),
            ("package_create", format!("{{{}}}", arguments("o/n1", &text))),
            ("package_create", format!(r#"{{"bucket":"{SHARED}","name":"o/n3","files":{files_text},"meta":{META}}}"#)),
            ("packaging", format!(r#"{{"action":"create","params":{{{}}}}}"#, arguments("o/n4", META))),
            ("packaging", format!(r#"{{"action":"create","params":{}}}"#, params("o/n5", META))),
            ("packaging", format!(r#"{{"action":"create","params":{}}}"#, params("o/n6", &text))),
            ("package_create", format!(r#"{{{},"overwrite":true}}"#, arguments("o/n0", META))),
        ].into_iter().enumerate() {
            let created = call(&scene, &scene.writer, tool, &arguments).await;
            assert_eq!(hash(&created), theirs["hash"], "{number}: {tool} {arguments}");
        }

        // By updates: merged, and replaced.
        let plain = format!(r#"{{"bucket":"{SHARED}","name":"o/up","files":{},"metadata":{{"min":1,"a":1e400}}}}"#, files(META));
        let refused = scene.server.post(format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"package_create","arguments":{plain}}}}}"#
        ), &[("authorization", &format!("Bearer {}", scene.writer))]).await;
        refused.failure("invalid_argument");
        let plain = plain.replace("1e400", "98765432109876543210");
        call(&scene, &scene.writer, "package_create", &plain).await;
        let update = format!(r#"{{"bucket":"{SHARED}","name":"o/up","metadata":{META}}}"#);
        let merged = call(&scene, &scene.writer, "package_update", &update).await;
        let with_a = format!(r#"{{"min":1,"a":98765432109876543210,{}"#, &META[1..]);
        let again = quilt3.does("push", json!({ "name": "theirs/m", "meta_text": with_a, "files": [file] })).await;
        assert_eq!(hash(&merged), again["hash"]);
        let replace = format!(
            r#"{{"action":"update","params":{{"bucket":"{SHARED}","name":"o/up","metadata":{META},"metadata_mode":"replace"}}}}"#
        );
        let replaced = call(&scene, &scene.writer, "packaging", &replace).await;
        assert_eq!(hash(&replaced), theirs["hash"]);

        // What quilt3 pushed, directories too, comes out letter for letter.
        let rich = json!({ "name": "theirs/rich", "meta_text": META, "files": [file], "directories": { "d": META } });
        quilt3.does("push", rich).await;
        let texts = quilt3.does("metadata_texts", json!({ "name": "theirs/rich" })).await;
        assert_eq!(texts["package"], AS_PYTHON);
        assert_eq!((&texts["entries"]["d/a"], &texts["directories"]["d/"]), (&json!(AS_PYTHON), &json!(AS_PYTHON)));
        let named = |more: &str| format!(r#"{{"bucket":"{SHARED}","name":"theirs/rich"{more}}}"#);
        let browsed = call(&scene, &scene.reader, "package_browse", &named(r#","detail":"full""#)).await;
        assert_eq!(browsed.matches(AS_PYTHON).count(), 2, "of the package and the directory: {browsed}");
        let browsed = call(&scene, &scene.reader, "package_browse", &named(r#","recursive":true,"detail":"full""#)).await;
        assert_eq!(browsed.matches(AS_PYTHON).count(), 2, "of the package and the entry: {browsed}");
        let action = format!(r#"{{"action":"browse","params":{}}}"#, named(r#","recursive":true"#));
        let browsed = call(&scene, &scene.reader, "packaging", &action).await;
        assert_eq!(browsed.matches(AS_PYTHON).count(), 2, "{browsed}");
        let update = format!(r#"{{"bucket":"{SHARED}","name":"theirs/rich","add":["{}"],"remove":["d/"]}}"#, uri("in/b"));
        call(&scene, &scene.writer, "package_update", &update).await;
        let diff = call(&scene, &scene.reader, "package_diff", &named("")).await;
        assert!(diff.contains(&format!(r#""meta":{AS_PYTHON}"#)), "{diff}");
        let uri = format!("quilt+s3://{SHARED}#package=theirs/rich");
        let resource = scene.server.rpc(Some(&scene.reader), "resources/read", json!({ "uri": uri })).await;
        let text = resource.body["result"]["contents"][0]["text"].as_str().unwrap();
        assert!(text.contains(AS_PYTHON), "{text}");
    }

    async fn a_workflow_changes_no_number(scene) {
        let mut quilt3 = Quilt3::at(&scene.stage).await;
        scene.put(json!([{ "key": "in/a", "text": "a" }])).await;
        let config = format!("version: \"1\"\nworkflows:\n  w:\n    name: W\n    metadata_schema: s\ndefault_workflow: w\nschemas:\n  s:\n    url: s3://{SHARED}/schema.json\n");
        let schema = r#"{"type":"object","properties":{"big":{"type":"integer","minimum":12345678901234567890000},"one":{"type":"number"}}}"#;
        for (key, body) in [(".quilt/workflows/config.yml", config.as_str()), ("schema.json", schema)] {
            scene.stage.seed(SHARED, key, body.as_bytes()).await;
        }
        let file = json!({ "key": "a", "uri": uri("in/a") });
        let theirs = quilt3.does("push", json!({ "name": "theirs/w", "meta_text": META, "files": [file] })).await;
        let create = format!(r#"{{"bucket":"{SHARED}","name":"o/w","files":["{}"],"metadata":{META}}}"#, uri("in/a"));
        let created = call(&scene, &scene.writer, "package_create", &create).await;
        assert_eq!(hash(&created), theirs["hash"]);
        let bad = create.replace("\"big\":1", "\"big\":0.1").replace("o/w", "o/bad");
        let refused = scene.server.post(format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"package_create","arguments":{bad}}}}}"#
        ), &[("authorization", &format!("Bearer {}", scene.writer))]).await;
        refused.failure("workflow_violation");
    }

    /// Python writes NaN and infinities, which JSON lacks.
    async fn what_json_lacks_is_shown_as_text(scene) {
        let row = r#""physical_keys": ["s3://it-shared/in/a"], "size": 1, "hash": {"type": "SHA256", "value": "00"}"#;
        let manifest = format!(
            "{{\"version\": \"v0\", \"user_meta\": {{\"n\": NaN, \"x\": [1, -Infinity]}}, \"message\": null}}\n\
             {{\"logical_key\": \"d/\", \"meta\": {{\"i\": Infinity}}}}\n\
             {{\"logical_key\": \"d/a\", {row}, \"meta\": {{\"user_meta\": {{\"m\": NaN}}}}}}\n\
             {{\"logical_key\": \"e\", {row}, \"meta\": {{\"user_meta\": {{\"m\": 1}}}}}}\n"
        );
        let hash = Manifest::read(manifest.as_bytes()).unwrap().top_hash().unwrap().to_string();
        scene.stage.seed(SHARED, &format!(".quilt/packages/{hash}"), manifest.as_bytes()).await;
        for name in ["1600000000", "latest"] {
            scene.stage.seed(SHARED, &format!(".quilt/named_packages/t/nan/{name}"), hash.as_bytes()).await;
        }
        let mut quilt3 = Quilt3::at(&scene.stage).await;
        let theirs = quilt3.does("metadata_texts", json!({ "name": "t/nan" })).await;
        assert_eq!((&theirs["hash"], &theirs["package"]), (&json!(hash), &json!(r#"{"n":NaN,"x":[1,-Infinity]}"#)));

        let browsed = scene.read("package_browse", json!({ "name": "t/nan", "detail": "full" })).await;
        assert_eq!(browsed["package"]["metadata"], json!({ "n": "NaN", "x": [1, "-Infinity"] }));
        assert_eq!(browsed["entries"][0]["meta"], json!({ "i": "Infinity" }));
        assert_eq!(browsed["entries"][1]["meta"], json!({ "m": 1 }));
        let warning = "JSON has no NaN and no infinity: such numbers of the metadata are shown as strings.";
        assert_eq!(browsed["warnings"], json!([warning]));
        let inner = scene.read("package_browse", json!({ "name": "t/nan", "path": "d", "detail": "full" })).await;
        assert_eq!(inner["entries"][0]["meta"], json!({ "m": "NaN" }));

        let failure = scene.refuses("package_update", json!({ "name": "t/nan", "message": "x" }), "invalid_argument").await;
        assert!(failure["error"].as_str().unwrap().contains("NaN"), "{failure}");
        let created = json!({ "name": "t/nan", "files": [], "readme": "x", "overwrite": true });
        scene.write("package_create", created).await;
        let diff = scene.read("package_diff", json!({ "name": "t/nan" })).await;
        assert_eq!(diff["removed"][0]["meta"], json!({ "m": "NaN" }));
        assert_eq!(diff["warnings"], json!([warning]));
        let plain = scene.read("package_browse", json!({ "name": "t/nan" })).await;
        assert_eq!(plain.get("warnings"), None);
    }
}
