//! The smoke tests of the action-style server: the real curl, with their requests and expectations, another host and
//! other tokens.
//!
//! They go to `/mcp/` without following redirects, name no protocol version, do not `initialize`, pipe the answer into
//! `json.tool`, and look for `success`, which is in a tool's structured result. Where they could never have passed, or
//! must not here, the test says why.

use quilt_mcp::clock::Clock;
use quilt_mcp::dev::Dev;
use serde_json::{Value, json};

use crate::support::{programs, tools};

struct Curl {
    _data: tempfile::TempDir,
    dev: Dev,
}

impl Curl {
    async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let dev = Dev::start(0, data.path(), Clock::system()).await.unwrap();
        Self { _data: data, dev }
    }

    /// What `curl … | python3 -m json.tool` prints for a bare call of this tool with these arguments.
    async fn pipe(&self, token: Option<&str>, tool: &str, arguments: Value) -> Value {
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": tool, "arguments": arguments } });
        let mut shell = tools::isolated("sh".as_ref());
        shell
            .env("BODY", call.to_string())
            .env("URL", format!("{}/", self.dev.backend.info.mcp_url));
        let bearer = token.map_or("", |token| {
            shell.env("TOKEN", token);
            r#"-H "Authorization: Bearer $TOKEN""#
        });
        shell.arg("-c").arg(format!(
            r#"curl -s -X POST "$URL" -H 'Content-Type: application/json' \
               -H 'Accept: application/json, text/event-stream' {bearer} -d "$BODY" | python3 -m json.tool"#
        ));
        let printed = tokio::task::spawn_blocking(move || tools::run(&mut shell))
            .await
            .unwrap()
            .unwrap();
        serde_json::from_str(&printed).unwrap()
    }

    /// Returns the structured result of a module's action, called as the writer.
    async fn act(&self, module: &str, arguments: Value) -> Value {
        let answer = self
            .pipe(Some(&self.dev.backend.info.users.writer.token), module, arguments)
            .await;
        let result = answer["result"]["structuredContent"].clone();
        // They also know an error by its mark, as every client does.
        assert_eq!(answer["result"]["isError"], result["success"] == false, "{answer}");
        result
    }

    fn shared(&self) -> &str {
        &self.dev.backend.info.buckets.shared
    }
}

#[tokio::test]
async fn buckets() {
    if !programs::found(&["curl"]) {
        return;
    }
    let curl = Curl::start().await;
    let (bucket, package) = (curl.shared(), &curl.dev.backend.info.package);
    let found = curl.act("buckets", json!({ "action": "discover", "params": {} })).await;
    assert_eq!((&found["success"], &found["total_buckets"]), (&json!(true), &json!(1)));

    let context = json!({ "bucket": bucket, "package": package.name, "hash": package.hash });
    let params = json!({ "path": "README.md", "_context": context });
    let link = curl
        .act("buckets", json!({ "action": "object_link", "params": params }))
        .await;
    assert_eq!(link["success"], true);
    let mut get = tools::isolated("curl".as_ref());
    get.args(["-sS", "--fail", link["url"].as_str().unwrap()]);
    let readme = tokio::task::spawn_blocking(move || tools::run(&mut get))
        .await
        .unwrap()
        .unwrap();
    assert!(readme.starts_with('#'), "the link can be followed: {readme}");

    let uri = format!("s3://{bucket}/plankton/README.md");
    let info = curl
        .act(
            "buckets",
            json!({ "action": "object_info", "params": { "s3_uri": uri } }),
        )
        .await;
    assert_eq!(
        (&info["success"], &info["object"]["size"]),
        (&json!(true), &json!(readme.len()))
    );
    let text = curl
        .act(
            "buckets",
            json!({ "action": "object_text", "params": { "s3_uri": uri, "max_bytes": 10 } }),
        )
        .await;
    assert_eq!((&text["success"], &text["text"]), (&json!(true), &json!(&readme[..10])));
    // Theirs has `max_bytes` beside `params`, where it did nothing. It is not guessed at: the answer says where it belongs.
    let beside = json!({ "action": "object_text", "params": { "s3_uri": uri }, "max_bytes": 10 });
    let beside = curl.act("buckets", beside).await;
    assert_eq!(
        (&beside["success"], &beside["error_code"]),
        (&json!(false), &json!("invalid_argument"))
    );
    assert!(beside["error"].as_str().unwrap().contains("max_bytes"), "{beside}");
}

#[tokio::test]
async fn packaging() {
    if !programs::found(&["curl"]) {
        return;
    }
    let curl = Curl::start().await;
    let (bucket, package) = (curl.shared(), &curl.dev.backend.info.package);
    // Theirs names no bucket, and always failed. Packages of the same name may be in several, so the answer asks for it.
    let nowhere = curl
        .act(
            "packaging",
            json!({ "action": "browse", "params": { "name": package.name } }),
        )
        .await;
    assert_eq!(
        (&nowhere["success"], &nowhere["error_code"]),
        (&json!(false), &json!("invalid_argument"))
    );
    assert!(nowhere["error"].as_str().unwrap().contains("bucket"), "{nowhere}");
    let params = json!({ "name": package.name, "bucket": bucket });
    let browsed = curl
        .act("packaging", json!({ "action": "browse", "params": params }))
        .await;
    assert_eq!(
        (&browsed["success"], &browsed["package"]["hash"]),
        (&json!(true), &json!(package.hash))
    );
    assert!(
        browsed["entries"].as_array().is_some_and(|entries| !entries.is_empty()),
        "{browsed}"
    );

    let file = format!("s3://{bucket}/plankton/data/measurements.csv");
    let params = json!({ "name": "smoke/test-pkg-curl", "files": [file], "description": "Made by curl",
        "metadata": { "source": "curl-test" }, "dry_run": true });
    let rehearsed = curl
        .act("packaging", json!({ "action": "create", "params": params }))
        .await;
    assert_eq!(
        (&rehearsed["success"], &rehearsed["dry_run"]),
        (&json!(true), &json!(true))
    );
    let nameless = json!({ "action": "create", "params": { "files": [file], "dry_run": true } });
    let nameless = curl.act("packaging", nameless).await;
    assert_eq!(nameless["success"], false);
    assert!(nameless["error"].as_str().unwrap().contains("name"), "{nameless}");
    let empty = json!({ "action": "create", "params": { "name": "smoke/test-pkg-curl", "dry_run": true } });
    let empty = curl.act("packaging", empty).await;
    assert_eq!(
        (&empty["success"], &empty["error_code"]),
        (&json!(false), &json!("invalid_argument")),
        "{empty}"
    );
    let params = json!({ "name": "smoke/test-pkg-curl", "files": [file], "metadata": { "version": "1.0.0" },
        "auto_organize": true, "dry_run": true });
    let organized = curl
        .act("packaging", json!({ "action": "create", "params": params }))
        .await;
    assert_eq!(
        (&organized["success"], &organized["dry_run"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(organized["entries"][0], "data/processed/measurements.csv");
    let listed = curl
        .act(
            "packaging",
            json!({ "action": "list", "params": { "bucket": bucket, "prefix": "smoke/" } }),
        )
        .await;
    assert_eq!(listed["count"], 0, "nothing was written");
}

#[tokio::test]
async fn permissions() {
    if !programs::found(&["curl"]) {
        return;
    }
    let curl = Curl::start().await;
    let bucket = curl.shared();
    let found = curl
        .act("permissions", json!({ "action": "discover", "params": {} }))
        .await;
    assert_eq!(found["success"], true);
    let missing = "nonexistent-test-bucket-xyz";
    let params = json!({ "check_buckets": [bucket, missing] });
    let checked = curl
        .act("permissions", json!({ "action": "discover", "params": params }))
        .await;
    assert_eq!(
        (&checked["success"], &checked["total_buckets_checked"]),
        (&json!(true), &json!(2))
    );
    let accessible: Vec<&str> = ["write_access", "read_access"]
        .iter()
        .flat_map(|level| checked["categorized_buckets"][level].as_array().unwrap())
        .map(|name| name.as_str().unwrap())
        .collect();
    assert_eq!(accessible, [bucket]);
    // Theirs expects a result with `success: false`. Here a request without a token has no caller, and HTTP says so: a 401 is what
    // makes clients log in. The body is JSON all the same.
    let stranger = curl
        .pipe(None, "permissions", json!({ "action": "discover", "params": {} }))
        .await;
    assert_eq!(stranger["error"]["data"]["error_code"], "missing_jwt");
    assert_eq!(stranger.get("result"), None);

    for (action, spelling) in [("access_check", "bucket_name"), ("check_bucket_access", "bucket")] {
        let access = curl
            .act(
                "permissions",
                json!({ "action": action, "params": { spelling: bucket } }),
            )
            .await;
        assert_eq!(
            (&access["success"], &access["accessible"]),
            (&json!(true), &json!(true)),
            "{action}"
        );
        let params = json!({ spelling: "definitely-does-not-exist-xyz-123" });
        let access = curl
            .act("permissions", json!({ "action": action, "params": params }))
            .await;
        assert_eq!(access["accessible"].as_bool(), Some(false), "{action}: {access}");
    }
    let nothing = curl
        .act("permissions", json!({ "action": "access_check", "params": {} }))
        .await;
    assert_eq!(
        (&nothing["success"], &nothing["error_code"]),
        (&json!(false), &json!("invalid_argument"))
    );

    let advice = curl
        .act("permissions", json!({ "action": "recommendations_get", "params": {} }))
        .await;
    assert_eq!(
        (&advice["success"], &advice["recommendations"]),
        (&json!(true), &json!([]))
    );
    let about = curl.pipe(None, "permissions", json!({})).await;
    assert_eq!(about["result"]["structuredContent"]["module"], "permissions");

    // Who administers a stack does it in its catalog: the governance smoke tests have no counterpart.
    let governance = curl.pipe(None, "governance", json!({ "action": "users_list" })).await;
    assert_eq!(governance["error"]["data"]["error_code"], "missing_jwt");
    let writer = Some(curl.dev.backend.info.users.writer.token.as_str());
    let governance = curl.pipe(writer, "governance", json!({ "action": "users_list" })).await;
    assert_eq!(governance["error"]["code"], -32602);
}
