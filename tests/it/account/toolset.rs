//! When the toolset is on: where the operator names it, and where neither the operator nor the request is read-only.

use serde_json::{Value, json};

use super::OnDev;
use crate::support::server::Answer;

async fn post(scene: &OnDev, method: &str, params: Value, header: Option<(&str, &str)>) -> Answer {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
    let bearer = format!("Bearer {}", scene.dev.backend.info.users.writer.token);
    let headers: Vec<_> = [("authorization", bearer.as_str())].into_iter().chain(header).collect();
    scene.server.post(body, &headers).await
}

async fn switch(scene: &OnDev, header: Option<(&str, &str)>) -> Answer {
    let params = json!({ "name": "role_switch", "arguments": { "role": "Reader" } });
    post(scene, "tools/call", params, header).await
}

/// Returns which of the tools are listed.
async fn listed(scene: &OnDev, header: Option<(&str, &str)>) -> Vec<String> {
    let answer = post(scene, "tools/list", json!({}), header).await;
    let tools = answer.body["result"]["tools"].as_array().unwrap();
    let names = tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned());
    names
        .filter(|name| name == "role_switch" || name == "usage_stats")
        .collect()
}

#[tokio::test]
async fn a_header_never_switches_it_on() {
    for flags in [
        &[][..],
        &["--toolsets=default"],
        &["--toolsets=all"],
        &["--toolsets=auth"],
    ] {
        let scene = OnDev::with(flags).await;
        for header in [
            None,
            Some(("x-mcp-toolsets", "account")),
            Some(("x-mcp-toolsets", "default,account")),
        ] {
            assert_eq!(listed(&scene, header).await, [""; 0], "{flags:?} {header:?}");
            let refused = switch(&scene, header).await;
            assert_eq!(refused.refused(), (200, "toolset_off"), "{}", refused.body);
        }
    }
}

#[tokio::test]
async fn it_is_on_where_the_operator_names_it() {
    for flags in ["--toolsets=default,account", "--toolsets=account"] {
        let scene = OnDev::with(&[flags]).await;
        assert_eq!(listed(&scene, None).await, ["role_switch", "usage_stats"]);
        assert_eq!(listed(&scene, Some(("x-mcp-toolsets", "account"))).await.len(), 2);
        for tighter in ["default", "auth"] {
            let header = Some(("x-mcp-toolsets", tighter));
            assert_eq!(listed(&scene, header).await, [""; 0]);
            assert_eq!(switch(&scene, header).await.refused(), (200, "toolset_off"));
        }
        switch(&scene, None).await.failure("confirmation_required");
    }
}

#[tokio::test]
async fn read_only_refuses_the_switch_and_shows_the_counts() {
    let closed = OnDev::with(&["--toolsets=default,account", "--read-only"]).await;
    let open = OnDev::new().await;
    for (scene, header) in [(&closed, None), (&open, Some(("x-mcp-readonly", "true")))] {
        assert_eq!(listed(scene, header).await, ["usage_stats"]);
        switch(scene, header).await.failure("read_only");
        let params = json!({ "name": "usage_stats", "arguments": { "bucket": scene.bucket() } });
        post(scene, "tools/call", params, header).await.success();
    }
}

/// The switch is marked as destructive.
#[tokio::test]
async fn hints_tell_the_switch_from_the_counts() {
    let scene = OnDev::new().await;
    let answer = post(&scene, "tools/list", json!({}), None).await;
    let tools = answer.body["result"]["tools"].as_array().unwrap();
    let hints = |name: &str| &tools.iter().find(|tool| tool["name"] == name).unwrap()["annotations"];
    assert_eq!(
        (
            &hints("role_switch")["destructiveHint"],
            &hints("role_switch")["readOnlyHint"]
        ),
        (&json!(true), &json!(false))
    );
    assert_eq!(hints("usage_stats")["readOnlyHint"], true);
}
