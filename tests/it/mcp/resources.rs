//! Resources, completions and prompts, with the caller's rights.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use quilt_mcp::clock::Clock;
use quilt_mcp::dev::Dev;
use serde_json::{Value, json};

use crate::support::server::{Answer, Server};
use crate::support::stage::{SHARED, Stage};
use crate::support::{SECRET, token};

struct Everything {
    _data: tempfile::TempDir,
    dev: Arc<Dev>,
    server: Server,
}

impl Everything {
    async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let dev = Arc::new(Dev::start(0, data.path(), Clock::system()).await.unwrap());
        let server = Server::at(dev.backend.info.mcp_url.clone());
        Self {
            _data: data,
            dev,
            server,
        }
    }

    async fn ask(&self, method: &str, params: Value) -> Answer {
        self.server
            .rpc(Some(&self.dev.backend.info.users.reader.token), method, params)
            .await
    }

    async fn read(&self, uri: &str) -> Answer {
        self.ask("resources/read", json!({ "uri": uri })).await
    }
}

fn content(answer: &Answer) -> &Value {
    let contents = answer.body["result"]["contents"]
        .as_array()
        .unwrap_or_else(|| panic!("{}", answer.body));
    assert_eq!(contents.len(), 1);
    &contents[0]
}

fn error(answer: &Answer) -> (i64, &str, &str) {
    let error = &answer.body["error"];
    let code = error["code"].as_i64().unwrap_or_else(|| panic!("{}", answer.body));
    (
        code,
        error["data"]["error_code"].as_str().unwrap_or_default(),
        error["message"].as_str().unwrap(),
    )
}

#[tokio::test]
async fn objects_are_read_as_text_or_blob_with_the_callers_rights() {
    let all = Everything::start().await;
    let info = &all.dev.backend.info;
    let shared = &info.buckets.shared;
    let uri = format!("s3://{shared}/plankton/donn%C3%A9es/%C3%A9t%C3%A9%202026.csv");
    let text = all.read(&uri).await;
    assert_eq!(
        (&content(&text)["uri"], &content(&text)["mimeType"]),
        (&json!(uri), &json!("text/csv"))
    );
    assert!(content(&text)["text"].as_str().unwrap().contains(','));
    let image = all.read(&format!("s3://{shared}/plankton/images/gradient.png")).await;
    let bytes = BASE64_STANDARD
        .decode(content(&image)["blob"].as_str().unwrap())
        .unwrap();
    assert!(bytes.starts_with(b"\x89PNG") && content(&image)["mimeType"] == "image/png");

    for (uri, code, error_code, part) in [
        (format!("s3://{shared}/nowhere"), -32002, "no_such_key", "no object"),
        (
            format!("s3://{}/secret.txt", info.buckets.private),
            -31403,
            "access_denied",
            "s3:GetObject",
        ),
        ("s3://-not-a-bucket/x".to_owned(), -32602, "invalid_argument", "3 to 63"),
        (
            "file:///etc/passwd".to_owned(),
            -32602,
            "invalid_argument",
            "s3://bucket/key",
        ),
        (String::new(), -32602, "invalid_argument", "s3://bucket/key"),
    ] {
        let answer = all.read(&uri).await;
        let (given, given_code, message) = error(&answer);
        assert_eq!((given, given_code), (code, error_code), "{uri}");
        assert!(message.contains(part), "{message}");
        assert_eq!(answer.body["error"]["data"]["uri"], uri.as_str());
    }
    let denied = all.read(&format!("s3://{}/secret.txt", info.buckets.private)).await;
    let tool = json!({ "s3_uri": format!("s3://{}/secret.txt", info.buckets.private) });
    let tool = all
        .server
        .call(&info.users.reader.token, "bucket_object_text", tool)
        .await;
    assert_eq!(
        tool.failure("access_denied")["error"],
        error(&denied).2,
        "the same sentence as the tool's"
    );
    let params = json!({ "uri": uri });
    assert_eq!(
        all.server.rpc(None, "resources/read", params).await.refused(),
        (401, "missing_jwt")
    );
}

#[tokio::test]
async fn what_is_too_large_points_to_the_tools_that_read_pieces() {
    let stage = Stage::embedded().await;
    stage.seed(SHARED, "small", &vec![b'x'; 1024 * 1024]).await;
    stage.seed(SHARED, "large", &vec![b'x'; 1024 * 1024 + 1]).await;
    stage.seed(SHARED, "empty", b"").await;
    let server = Server::start(&stage, None, &[format!("--jwt-secret={SECRET}")]).await;
    let keys = &stage.reader;
    let bearer = token(
        json!({ "sub": "r", "aws_credentials": { "access_key_id": keys.access_key_id,
        "secret_access_key": keys.secret_access_key, "session_token": keys.session_token } }),
    );
    let read = async |key: &str| {
        server
            .rpc(
                Some(&bearer),
                "resources/read",
                json!({ "uri": format!("s3://{SHARED}/{key}") }),
            )
            .await
    };
    assert_eq!(
        content(&read("small").await)["text"].as_str().unwrap().len(),
        1024 * 1024
    );
    assert_eq!(content(&read("empty").await)["text"], "");
    let large = read("large").await;
    let (code, error_code, message) = error(&large);
    assert_eq!((code, error_code), (-32602, "too_large"), "{message}");
    assert!(message.contains("1048577 bytes"), "{message}");
    assert!(
        large.body["error"]["data"]["hint"]
            .as_str()
            .unwrap()
            .contains("bucket_object_text")
    );
}

#[tokio::test]
async fn packages_and_their_entries_are_resources() {
    let all = Everything::start().await;
    let package = all.dev.backend.info.package.clone();
    let base = format!("quilt+s3://{}#package={}", package.bucket, package.name);
    for uri in [
        base.clone(),
        format!("{base}:latest"),
        format!("{base}@{}", package.hash),
    ] {
        let answer = all.read(&uri).await;
        assert_eq!(content(&answer)["mimeType"], "application/json");
        let document: Value = serde_json::from_str(content(&answer)["text"].as_str().unwrap()).unwrap();
        assert_eq!(document["hash"], package.hash.as_str(), "{uri}");
        assert_eq!(
            (&document["total_entries"], &document["truncated"]),
            (&json!(5), &json!(false))
        );
        assert_eq!(document["metadata"]["purpose"], "trying things out");
        let keys: Vec<&str> = document["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["logical_key"].as_str().unwrap())
            .collect();
        assert!(keys.contains(&"données/été 2026.csv"), "{keys:?}");
    }
    let entry = all
        .read(&format!("{base}&path=donn%C3%A9es%2F%C3%A9t%C3%A9%202026.csv"))
        .await;
    assert_eq!(content(&entry)["mimeType"], "text/csv");
    for (uri, code, error_code) in [
        (format!("{base}&path=nowhere"), -32002, "no_such_key"),
        (
            format!("quilt+s3://{}#package=a/b", package.bucket),
            -32002,
            "no_such_package",
        ),
        (format!("{base}@abcdef"), -32002, "no_such_package"),
        (format!("{base}:monday"), -32002, "no_such_package"),
        (format!("quilt+s3://{}", package.bucket), -32602, "invalid_argument"),
        (
            format!("quilt+s3://{}#package=a/b", all.dev.backend.info.buckets.private),
            -31403,
            "access_denied",
        ),
    ] {
        let answer = all.read(&uri).await;
        assert_eq!((error(&answer).0, error(&answer).1), (code, error_code), "{uri}");
    }
}

#[tokio::test]
async fn lists_are_small_and_open_and_follow_the_toolsets() {
    let all = Everything::start().await;
    let list = async |method: &str, headers: &[(&str, &str)]| {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method }).to_string();
        all.server.post(body, headers).await.body["result"].clone()
    };
    let names = |list: &Value| -> Vec<String> {
        list.as_array()
            .unwrap()
            .iter()
            .map(|item| item["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        names(&list("resources/list", &[]).await["resources"]),
        ["search-syntax", "package-view", "permissions-view", "table-view"]
    );
    let templates = list("resources/templates/list", &[]).await;
    assert_eq!(names(&templates["resourceTemplates"]), ["object", "package", "entry"]);
    let prompts = list("prompts/list", &[]).await;
    assert_eq!(
        names(&prompts["prompts"]),
        ["build_package", "explain_denial", "explore_bucket", "find_and_explain"]
    );

    let buckets = [("x-mcp-toolsets", "buckets")];
    assert_eq!(
        names(&list("resources/templates/list", &buckets).await["resourceTemplates"]),
        ["object"]
    );
    assert_eq!(
        names(&list("prompts/list", &buckets).await["prompts"]),
        ["explore_bucket"]
    );
    assert_eq!(
        names(&list("resources/list", &buckets).await["resources"]),
        ["table-view"]
    );
    let read_only = [("x-mcp-readonly", "true")];
    assert_eq!(
        names(&list("prompts/list", &read_only).await["prompts"]),
        ["explain_denial", "explore_bucket", "find_and_explain"]
    );

    let bearer = format!("Bearer {}", all.dev.backend.info.users.reader.token);
    let off = [("authorization", bearer.as_str()), ("x-mcp-toolsets", "auth")];
    let uri = format!("s3://{}/plankton/README.md", all.dev.backend.info.buckets.shared);
    for (method, params) in [
        ("resources/read", json!({ "uri": uri })),
        (
            "completion/complete",
            json!({ "ref": { "type": "ref/resource", "uri": "s3://{bucket}/{+key}" },
            "argument": { "name": "bucket", "value": "" } }),
        ),
        (
            "prompts/get",
            json!({ "name": "explore_bucket", "arguments": { "bucket": "abc" } }),
        ),
    ] {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let answer = all.server.post(body, &off).await;
        assert_eq!(error(&answer).0, -32602, "{method} {}", answer.body);
    }
}

#[tokio::test]
async fn names_are_completed_as_the_caller() {
    let all = Everything::start().await;
    let info = &all.dev.backend.info;
    let complete = async |reference: Value, name: &str, value: &str, context: Value| {
        let argument = json!({ "name": name, "value": value });
        let params = json!({ "ref": reference, "argument": argument, "context": { "arguments": context } });
        all.ask("completion/complete", params).await
    };
    let values = |answer: &Answer| answer.body["result"]["completion"]["values"].clone();
    let object = || json!({ "type": "ref/resource", "uri": "s3://{bucket}/{+key}" });
    let package = || json!({ "type": "ref/resource", "uri": "quilt+s3://{bucket}#package={+package}" });
    let prompt = || json!({ "type": "ref/prompt", "name": "build_package" });

    let found = complete(object(), "bucket", "quilt-dev-", json!({})).await;
    assert_eq!(
        values(&found),
        json!([info.buckets.shared]),
        "the private bucket is not this caller's to know"
    );
    let found = complete(prompt(), "source_bucket", "s3://quilt", json!({})).await;
    assert_eq!(values(&found), json!([info.buckets.shared]));
    assert_eq!(values(&complete(object(), "bucket", "zzz", json!({})).await), json!([]));
    assert_eq!(values(&complete(object(), "key", "x", json!({})).await), json!([]));

    let here = || json!({ "bucket": info.buckets.shared });
    for begin in ["", "ex", "examples/", "examples/pl"] {
        let found = complete(package(), "package", begin, here()).await;
        assert_eq!(values(&found), json!([info.package.name]), "{begin}");
        assert_eq!(found.body["result"]["completion"]["hasMore"], false);
    }
    let there = json!({ "bucket": info.buckets.private });
    assert_eq!(
        error(&complete(package(), "package", "", there).await).1,
        "access_denied"
    );
    for (reference, name, context, error_code) in [
        (package(), "package", json!({}), "invalid_params"),
        (
            package(),
            "package",
            json!({ "bucket": "-not-a-bucket" }),
            "invalid_params",
        ),
        (package(), "key", here(), "invalid_params"),
        (
            json!({ "type": "ref/resource", "uri": "x://{y}" }),
            "y",
            json!({}),
            "invalid_params",
        ),
        (
            json!({ "type": "ref/prompt", "name": "nothing" }),
            "bucket",
            json!({}),
            "unknown_prompt",
        ),
    ] {
        let answer = complete(reference.clone(), name, "", context).await;
        let (number, given, _) = error(&answer);
        assert_eq!((number, given), (-32602, error_code), "{reference} {name}");
    }
    let params = json!({ "ref": object(), "argument": { "name": "bucket", "value": "" } });
    assert_eq!(
        all.server.rpc(None, "completion/complete", params).await.refused(),
        (401, "missing_jwt")
    );
}

#[tokio::test]
async fn no_more_than_a_hundred_names_complete_anything() {
    let stage = Stage::embedded().await;
    for number in 0..101 {
        stage
            .seed(SHARED, &format!(".quilt/named_packages/many/p{number:03}/latest"), b"x")
            .await;
    }
    let server = Server::start(&stage, None, &[format!("--jwt-secret={SECRET}")]).await;
    let keys = &stage.reader;
    let bearer = token(
        json!({ "sub": "r", "aws_credentials": { "access_key_id": keys.access_key_id,
        "secret_access_key": keys.secret_access_key, "session_token": keys.session_token } }),
    );
    let params = json!({ "ref": { "type": "ref/resource", "uri": "quilt+s3://{bucket}#package={+package}" },
        "argument": { "name": "package", "value": "many/" }, "context": { "arguments": { "bucket": SHARED } } });
    let answer = server.rpc(Some(&bearer), "completion/complete", params).await;
    let completion = &answer.body["result"]["completion"];
    assert_eq!(completion["values"].as_array().unwrap().len(), 100);
    assert_eq!(
        (&completion["values"][99], &completion["hasMore"]),
        (&json!("many/p099"), &json!(true))
    );
}

#[tokio::test]
async fn prompts_are_filled_in_and_check_their_arguments() {
    let all = Everything::start().await;
    let get = async |name: &str, arguments: Value| {
        all.ask("prompts/get", json!({ "name": name, "arguments": arguments }))
            .await
    };
    let build =
        json!({ "bucket": "abc", "package": "team/pkg", "source_bucket": "src", "source_prefix": "{bucket}/x" });
    let text = get("build_package", build).await;
    let text = text.body["result"]["messages"][0]["content"]["text"]
        .as_str()
        .unwrap()
        .to_owned();
    for part in ["team/pkg", "s3://src/{bucket}/x", "dry_run=true"] {
        assert!(text.contains(part), "{text}");
    }
    let explain = all.ask("prompts/get", json!({ "name": "explain_denial" })).await;
    assert_eq!(explain.body["result"]["messages"][0]["role"], "user");
    for (name, arguments, part) in [
        (
            "nothing",
            json!({}),
            "build_package, explain_denial, explore_bucket, find_and_explain",
        ),
        ("explore_bucket", json!({}), "needs the argument bucket"),
        ("explore_bucket", json!({ "bucket": 7 }), "expected a string"),
        (
            "explore_bucket",
            json!({ "bucket": "abc", "bukket": "x" }),
            "its arguments are: bucket, prefix",
        ),
        ("explore_bucket", json!({ "bucket": "x".repeat(3000) }), "at most 2000"),
    ] {
        let answer = get(name, arguments).await;
        assert_eq!(error(&answer).0, -32602, "{part}");
        assert!(error(&answer).2.contains(part), "{}", error(&answer).2);
    }
}

/// A result that is cut short names the whole as a resource, once, to clients that know links; every link can be read.
#[tokio::test]
async fn what_is_cut_short_links_to_the_whole() {
    let all = Everything::start().await;
    let info = &all.dev.backend.info;
    let uri = format!(
        "s3://{}/plankton/donn%C3%A9es/%C3%A9t%C3%A9%202026.csv",
        info.buckets.shared
    );
    let bearer = format!("Bearer {}", info.users.reader.token);
    let call = async |version: &str, tool: &str, arguments: &Value| {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": tool, "arguments": arguments } });
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend((!version.is_empty()).then_some(("mcp-protocol-version", version)));
        let answer = all.server.post(body.to_string(), &headers).await;
        answer.success();
        answer.body["result"]["content"].as_array().unwrap()[1..].to_vec()
    };
    let package = json!({ "bucket": info.package.bucket, "name": info.package.name, "recursive": true, "limit": 1 });
    let revision = format!(
        "quilt+s3://{}#package={}@{}",
        info.package.bucket, info.package.name, info.package.hash
    );
    for (tool, arguments, linked) in [
        ("bucket_object_text", json!({ "s3_uri": uri, "max_bytes": 5 }), &uri),
        ("bucket_object_fetch", json!({ "s3_uri": uri, "max_bytes": 5 }), &uri),
        ("package_browse", package.clone(), &revision),
    ] {
        let [link] = &call("2025-06-18", tool, &arguments).await[..] else {
            panic!("{tool} has no link")
        };
        assert_eq!(
            (&link["type"], &link["uri"]),
            (&json!("resource_link"), &json!(linked)),
            "{link}"
        );
        let whole = all.read(linked).await;
        assert_eq!(content(&whole)["mimeType"], link["mimeType"], "{link}");
        if let Some(size) = link["size"].as_u64() {
            assert_eq!(content(&whole)["text"].as_str().unwrap().len() as u64, size);
        }
        for old in ["2025-03-26", ""] {
            assert_eq!(
                call(old, tool, &arguments).await,
                [Value::Null; 0],
                "{tool} {old}: links came later"
            );
        }
    }
    let large = format!("s3://{}/large.txt", info.buckets.shared);
    let writer = &info.users.writer.token;
    let items = json!([{ "key": "large.txt", "text": "x".repeat(1024 * 1024 + 1) }]);
    let put = json!({ "bucket": info.buckets.shared, "items": items });
    all.server.call(writer, "bucket_objects_put", put).await.success();
    for (tool, arguments, why) in [
        ("bucket_object_text", json!({ "s3_uri": uri }), "it is whole"),
        (
            "bucket_object_text",
            json!({ "s3_uri": uri, "max_bytes": 5, "offset": 5 }),
            "it was linked before",
        ),
        (
            "bucket_object_text",
            json!({ "s3_uri": large, "max_bytes": 5 }),
            "it is too large for a resource",
        ),
        (
            "package_browse",
            json!({ "bucket": info.package.bucket, "name": info.package.name }),
            "it is whole",
        ),
    ] {
        assert_eq!(
            call("2025-11-25", tool, &arguments).await,
            [Value::Null; 0],
            "{arguments}: {why}"
        );
    }
}
