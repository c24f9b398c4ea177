//! The action style: the same work, rights and results as the typed tools, under other names.

use std::sync::Arc;

use quilt_mcp::clock::Clock;
use quilt_mcp::dev::Dev;
use serde_json::{Value, json};

use crate::support::server::Server;
use crate::support::stage::{SHARED, Stage};
use crate::support::{SECRET, token, token_signed_with};

/// Everything in one process, with its sample package.
async fn dev() -> (tempfile::TempDir, Arc<Dev>, Server) {
    let data = tempfile::tempdir().unwrap();
    let dev = Dev::start(0, data.path(), Clock::system()).await.unwrap();
    let server = Server::at(dev.backend.info.mcp_url.clone());
    (data, Arc::new(dev), server)
}

#[tokio::test]
async fn a_module_tells_what_it_can_do_to_everybody() {
    let stage = Stage::embedded().await;
    let server = Server::start(&stage, None, &[format!("--jwt-secret={SECRET}")]).await;
    let expired = token(json!({ "sub": "a", "exp": 1 }));
    let forged = token_signed_with(json!({ "sub": "a" }), "another-secret-that-has-40-characters-too");
    for bearer in [None, Some(expired.as_str()), Some(forged.as_str())] {
        for params in [
            json!({ "name": "buckets" }),
            json!({ "name": "buckets", "arguments": {} }),
            json!({ "name": "buckets", "arguments": { "action": null, "params": {} } }),
        ] {
            let answer = server.rpc(bearer, "tools/call", params).await;
            let output = answer.success();
            assert_eq!(output["module"], "buckets");
            let actions = [
                "discover",
                "objects_list",
                "object_info",
                "object_text",
                "object_fetch",
                "object_link",
            ];
            for action in actions.into_iter().chain(["objects_put"]) {
                assert!(
                    output["actions"].as_array().unwrap().contains(&json!(action)),
                    "{action}"
                );
            }
            assert!(output["description"].as_str().unwrap().len() > 20);
            assert_eq!(output["params"]["objects_list"][0], "bucket");
        }
    }
    for name in ["auth", "permissions", "packaging"] {
        let answer = server.rpc(None, "tools/call", json!({ "name": name })).await;
        assert_eq!(answer.success()["module"], name);
    }
}

/// A call of an action needs a token, in each of its forms.
#[tokio::test]
async fn an_action_needs_a_token() {
    let stage = Stage::embedded().await;
    stage.seed(SHARED, "a.txt", b"x").await;
    // The server's own credentials could read: an anonymous action would succeed.
    let server = Server::start(&stage, Some(&stage.reader), &[format!("--jwt-secret={SECRET}")]).await;
    for arguments in [
        r#"{"action":"discover"}"#,
        r#"{"action":null,"action":"discover"}"#,
        r#"{"action":"discover","action":null}"#,
        r#"{"action":null,"\u0061ction":"discover"}"#,
        r#"{"action":"","action":"discover"}"#,
        r#"{"action":{}}"#,
    ] {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"buckets","arguments":{arguments}}}}}"#
        );
        assert_eq!(
            server.post(body, &[]).await.refused(),
            (401, "missing_jwt"),
            "{arguments}"
        );
    }
    for params in [
        r#"{"name":"buckets","name":"bucket_list"}"#,
        r#"{"name":"buckets","arguments":{},"arguments":{"action":"discover"}}"#,
        r#"{"name":"buckets","arguments":{},"\u0061rguments":{"action":"discover"}}"#,
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
        let answer = server.post(body, &[]).await;
        assert_eq!(
            (answer.status, answer.body["error"]["code"].as_i64()),
            (400, Some(-32602)),
            "{params}"
        );
    }
    let old = server.rpc(None, "tools/call", json!({ "name": "bucket_list" })).await;
    assert_eq!(old.refused(), (401, "missing_jwt"), "a typed tool is no module");
}

#[tokio::test]
async fn actions_do_what_the_typed_tools_do() {
    let (_data, dev, server) = dev().await;
    let (info, users) = (&dev.backend.info, &dev.backend.info.users);
    let reader = users.reader.token.as_str();
    let act = async |module: &str, action: &str, params: Value| {
        server
            .call(reader, module, json!({ "action": action, "params": params }))
            .await
    };
    let shared = info.buckets.shared.as_str();

    let discover = act("buckets", "discover", json!({})).await;
    let typed = server.call(reader, "bucket_list", json!({})).await;
    for (name, value) in typed.success().as_object().unwrap() {
        assert_eq!(&discover.success()[name], value, "{name}");
    }
    assert_eq!(discover.output()["total_buckets"], 1);
    assert_eq!(discover.output()["categorized_buckets"]["read_access"], json!([shared]));
    assert_eq!(discover.output()["categorized_buckets"]["write_access"], json!([]));

    for spelling in ["bucket", "bucket_name", "registry"] {
        for name in [shared.to_owned(), format!("s3://{shared}")] {
            let listed = act(
                "buckets",
                "objects_list",
                json!({ spelling: name, "prefix": "plankton/" }),
            )
            .await;
            assert_eq!(listed.success()["count"], 5, "{spelling} {name}");
        }
    }
    let uri = format!("s3://{shared}/plankton/README.md");
    let text = act("buckets", "object_text", json!({ "s3_uri": uri, "path": "" })).await;
    assert!(text.success()["text"].as_str().unwrap().starts_with('#'));
    let info_of = act("buckets", "object_info", json!({ "s3_uri": uri })).await;
    assert_eq!(info_of.success()["object"]["key"], "plankton/README.md");
    let link = act("buckets", "object_link", json!({ "s3_uri": uri, "expiration": 60 })).await;
    assert!(link.success()["url"].as_str().unwrap().contains("plankton/README.md"));
    let fetched = act(
        "buckets",
        "object_fetch",
        json!({ "s3_uri": uri, "base64_encode": true }),
    )
    .await;
    assert!(fetched.success()["data"].is_string());
    let as_text = act(
        "buckets",
        "object_fetch",
        json!({ "s3_uri": uri, "base64_encode": false }),
    )
    .await;
    assert_eq!(as_text.success()["text"], text.output()["text"]);

    for spelling in ["items", "objects"] {
        let params = json!({ "bucket": shared, spelling: [{ "key": format!("modules/{spelling}"), "text": "x" }] });
        let arguments = json!({ "action": "objects_put", "params": params });
        let put = server.call(&users.writer.token, "buckets", arguments.clone()).await;
        assert_eq!(put.success()["uploaded"], 1);
        assert_eq!(
            put.output()["upload_context"],
            json!({ "bucket": shared, "source": "catalog" })
        );
        let embedded = server.call(&users.embedded.token, "buckets", arguments.clone()).await;
        assert_eq!(
            embedded.success()["upload_context"]["source"],
            "jwt",
            "whose credentials they were"
        );
        let refused = server.call(reader, "buckets", arguments).await;
        assert_eq!(refused.failure("access_denied")["upload_context"]["source"], "catalog");
    }
    let status = act("auth", "status", json!({})).await;
    assert_eq!(status.success()["subject"], users.reader.sub.as_str());
}

/// `path` with `_context` names an entry of a package, wherever its bytes lie.
#[tokio::test]
async fn an_entry_of_a_package_is_read_by_its_path() {
    let (_data, dev, server) = dev().await;
    let (package, reader) = (&dev.backend.info.package, &dev.backend.info.users.reader.token);
    let context = |hash: Option<&str>| json!({ "bucket": package.bucket, "package": package.name, "hash": hash });
    let path = "données/été 2026.csv";
    for hash in [
        None,
        Some("latest"),
        Some(package.hash.as_str()),
        Some(&package.hash[..8]),
    ] {
        let beside = json!({ "action": "object_text", "params": { "path": path }, "_context": context(hash) });
        let inside = json!({ "action": "object_text", "params": { "path": path, "_context": context(hash) } });
        let as_text = json!({ "action": "object_text", "params": json!({ "path": path }).to_string(),
            "_context": context(hash).to_string() });
        for arguments in [beside, inside, as_text] {
            let answer = server.call(reader, "buckets", arguments).await;
            assert_eq!(answer.success()["content_type"], "text/csv", "{hash:?}");
        }
    }
    let route = json!({ "route": { "name": "bucket.overview", "params": { "bucket": package.bucket } } });
    let listed = json!({ "action": "objects_list", "params": { "bucket": package.bucket }, "_context": route });
    server.call(reader, "buckets", listed).await.success();

    let with = |path: &str, context: Value| json!({ "action": "object_info", "params": { "path": path }, "_context": context });
    let other = |name: &str| json!({ "bucket": package.bucket, "package": name });
    for (arguments, code, part) in [
        (
            with("nowhere.csv", context(None)),
            "no_such_key",
            "has no entry `nowhere.csv`",
        ),
        (with(path, other("a/b")), "no_such_package", "no package a/b"),
        (with(path, other("a")), "invalid_argument", "namespace/name"),
        (
            with(path, json!({ "bucket": package.bucket })),
            "invalid_argument",
            "`package`",
        ),
        (
            with(path, context(Some("zzz"))),
            "invalid_argument",
            "`zzz` names no revision",
        ),
        (
            with(path, context(Some("000000"))),
            "no_such_package",
            "no manifest of a revision 000000",
        ),
        (
            with(
                path,
                json!({ "bucket": dev.backend.info.buckets.private, "package": "a/b" }),
            ),
            "access_denied",
            "s3:",
        ),
        (with(path, json!("x")), "invalid_argument", "_context"),
    ] {
        let answer = server.call(reader, "buckets", arguments).await;
        let sentence = answer.failure(code)["error"].as_str().unwrap().to_owned();
        assert!(sentence.contains(part), "{sentence}");
    }
}

#[tokio::test]
async fn what_a_module_does_not_know_is_named_with_what_it_knows() {
    let stage = Stage::embedded().await;
    let server = Server::start(&stage, None, &[format!("--jwt-secret={SECRET}")]).await;
    let bearer = token(json!({ "sub": "a" }));
    for (arguments, code, parts) in [
        (
            json!({ "action": "zzz" }),
            "unknown_action",
            vec!["buckets", "`zzz`", "discover, objects_list"],
        ),
        (json!({ "action": 7 }), "invalid_argument", vec!["action"]),
        (
            json!({ "action": "discover", "max_bytes": 1 }),
            "invalid_argument",
            vec!["max_bytes", "action, params, _context"],
        ),
        (
            json!({ "action": "discover", "params": [1] }),
            "invalid_argument",
            vec!["params"],
        ),
        (
            json!({ "action": "objects_list", "params": { "prefx": "" } }),
            "invalid_argument",
            vec!["prefx", "prefix"],
        ),
        (
            json!({ "action": "objects_list", "params": { "bucket": "abc", "registry": "xyz" } }),
            "invalid_argument",
            vec!["bucket", "registry"],
        ),
        (
            json!({ "action": "object_info", "params": { "path": "x", "s3_uri": "s3://abc/x" } }),
            "invalid_argument",
            vec!["`path`", "`s3_uri`"],
        ),
        (
            json!({ "action": "object_fetch", "params": { "s3_uri": "s3://abc/x", "base64_encode": "no" } }),
            "invalid_argument",
            vec!["base64_encode"],
        ),
    ] {
        let answer = server.call(&bearer, "buckets", arguments.clone()).await;
        let sentence = answer.failure(code)["error"].as_str().unwrap().to_owned();
        for part in parts {
            assert!(sentence.contains(part), "{arguments}: {sentence}");
        }
    }
}
