//! The actions of `packaging` and `permissions` and the old tool names, translated to typed tools, on real packages.

use quilt_mcp::clock::Clock;
use quilt_mcp::dev::Dev;
use serde_json::{Value, json};

use crate::support::server::{Answer, Server};

struct Everything {
    _data: tempfile::TempDir,
    dev: Dev,
    server: Server,
}

impl Everything {
    async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let dev = Dev::start(0, data.path(), Clock::system()).await.unwrap();
        let server = Server::at(dev.backend.info.mcp_url.clone());
        Self {
            _data: data,
            dev,
            server,
        }
    }

    async fn act(&self, module: &str, action: &str, params: Value) -> Answer {
        let arguments = json!({ "action": action, "params": params });
        self.server
            .call(&self.dev.backend.info.users.writer.token, module, arguments)
            .await
    }

    async fn call(&self, tool: &str, arguments: Value) -> Answer {
        self.server
            .call(&self.dev.backend.info.users.writer.token, tool, arguments)
            .await
    }
}

#[tokio::test]
async fn every_module_tells_all_of_its_actions() {
    let all = Everything::start().await;
    for (module, actions) in [
        ("auth", vec!["status"]),
        (
            "packaging",
            vec![
                "browse",
                "create",
                "update",
                "create_from_s3",
                "delete",
                "list",
                "versions",
                "diff",
                "metadata_templates",
                "get_template",
            ],
        ),
        ("permissions", vec!["discover", "access_check", "recommendations_get"]),
    ] {
        let answer = all.server.rpc(None, "tools/call", json!({ "name": module })).await;
        assert_eq!(answer.success()["actions"], json!(actions), "{module}");
    }
}

#[tokio::test]
async fn a_package_is_made_changed_and_deleted_by_actions() {
    let all = Everything::start().await;
    let bucket = all.dev.backend.info.buckets.shared.clone();
    let file = |key: &str| format!("s3://{bucket}/plankton/{key}");
    let old = json!({ "package_name": "team/made", "s3_uris": [file("README.md")], "meta": "{\"a\": 1}",
        "description": "first" });
    let rehearsed = all.act("packaging", "create", {
        let mut params = old.clone();
        params["dry_run"] = json!(true);
        params
    });
    let rehearsed = rehearsed.await.success()["package"]["hash"].clone();
    let made = all.act("packaging", "create", old).await;
    assert_eq!(
        made.success()["package"]["bucket"],
        bucket.as_str(),
        "the bucket that the files agree on"
    );
    assert_eq!(made.output()["package"]["hash"], rehearsed);

    let registry = format!("s3://{bucket}");
    let params = json!({ "registry": registry, "name": "team/made" });
    let browsed = all.act("packaging", "browse", params.clone()).await;
    assert_eq!(browsed.success()["package"]["metadata"], json!({ "a": 1 }));
    assert_eq!(browsed.output()["package"]["message"], "first");
    assert_eq!(browsed.output()["entries"][0]["logical_key"], "README.md");

    let update = json!({ "bucket": bucket, "name": "team/made", "files": [file("data/measurements.csv")] });
    let updated = all.act("packaging", "update", update).await;
    assert_eq!(updated.success()["diff"]["added"], 1);
    let versions = all.act("packaging", "versions", params.clone()).await;
    assert_eq!(
        versions.success()["versions"][0]["hash"],
        updated.output()["package"]["hash"]
    );
    let listed = all.act("packaging", "list", json!({ "bucket_name": bucket })).await;
    let old_list = all.call("packages_list", json!({ "registry": registry })).await;
    assert_eq!(listed.success()["packages"], old_list.success()["packages"]);
    let arguments = json!({ "action": "object_text", "params": { "path": "README.md" },
        "_context": { "bucket": bucket, "package": "team/made" } });
    all.call("buckets", arguments).await.success();

    let refused = all.act("packaging", "delete", params.clone()).await;
    assert_eq!(
        refused.body["result"]["isError"], true,
        "a package's name must be repeated to delete it"
    );
    let mut confirmed = params.clone();
    confirmed["confirm"] = json!("team/made");
    all.act("packaging", "delete", confirmed).await.success();
    all.act("packaging", "browse", params).await.failure("no_such_package");

    let read_only = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "packaging",
        "arguments": { "action": "create", "params": {} } } });
    let bearer = format!("Bearer {}", all.dev.backend.info.users.writer.token);
    let headers = [("authorization", bearer.as_str()), ("x-mcp-readonly", "true")];
    all.server
        .post(read_only.to_string(), &headers)
        .await
        .failure("read_only");
}

#[tokio::test]
async fn templates_and_rights_are_actions_too() {
    let all = Everything::start().await;
    let bucket = all.dev.backend.info.buckets.shared.clone();
    let templates = all.act("packaging", "metadata_templates", json!({})).await;
    let names: Vec<&String> = templates.success()["templates"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["standard", "dataset", "model"]);
    let standard = all.act("packaging", "get_template", json!({})).await;
    assert_eq!(standard.success()["name"], "standard");
    assert_eq!(
        standard.output()["template"],
        templates.output()["templates"]["standard"]
    );

    let discovered = all
        .act("permissions", "discover", json!({ "check_buckets": [bucket] }))
        .await;
    assert_eq!(discovered.success()["total_buckets_checked"], 1);
    let old = all
        .call("discover_permissions", json!({ "check_buckets": [bucket] }))
        .await;
    assert_eq!(
        old.success()["categorized_buckets"],
        discovered.output()["categorized_buckets"]
    );
    for (action, spelling) in [
        ("access_check", "bucket_name"),
        ("check_bucket_access", "bucket"),
        ("access_check", "registry"),
    ] {
        let checked = all.act("permissions", action, json!({ spelling: bucket })).await;
        assert_eq!(checked.success()["bucket_name"], bucket.as_str(), "{action} {spelling}");
    }
    all.call("check_bucket_access", json!({ "bucket": bucket }))
        .await
        .success();
    all.act("permissions", "recommendations_get", json!({})).await.success();

    // The same answer about a bucket from each tool.
    let buckets = all.act("buckets", "discover", json!({})).await;
    let level = &buckets.success()["buckets"][0]["permission_level"];
    assert!(
        buckets.output()["categorized_buckets"][level.as_str().unwrap()]
            .as_array()
            .unwrap()
            .contains(&json!(bucket))
    );
}
