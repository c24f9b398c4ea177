//! Both eras of the protocol on one endpoint, and the descriptions of the tools.

use serde_json::{Value, json};

use crate::support::server::Server;
use crate::support::stage::Stage;
use crate::support::{SECRET, token};

async fn server() -> (Stage, Server) {
    let stage = Stage::embedded().await;
    let server = Server::start(&stage, None, &[format!("--jwt-secret={SECRET}")]).await;
    (stage, server)
}

#[tokio::test]
async fn initialize_negotiates_every_served_version_and_names_us() {
    let (_stage, server) = server().await;
    for (asked, given) in [
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2024-11-05", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ] {
        let params =
            json!({ "protocolVersion": asked, "capabilities": {}, "clientInfo": { "name": "t", "version": "0" } });
        let answer = server.rpc(None, "initialize", params).await;
        let result = &answer.body["result"];
        assert_eq!(result["protocolVersion"], given, "{asked}");
        assert_eq!(result["serverInfo"]["name"], "quilt-mcp");
        assert_eq!(result["serverInfo"]["version"], env!("CARGO_PKG_VERSION"));
        assert!(!answer.headers.contains_key("mcp-session-id"), "no session is minted");
    }
    for method in ["notifications/initialized", "notifications/cancelled"] {
        let notification = json!({ "jsonrpc": "2.0", "method": method, "params": { "requestId": 1 } }).to_string();
        assert_eq!(server.post(notification, &[]).await.status, 202, "{method}");
    }
}

#[tokio::test]
async fn the_wire_of_2026_works_on_the_same_endpoint() {
    let (_stage, server) = server().await;
    let bearer = format!("Bearer {}", token(json!({ "sub": "alice" })));
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "t", "version": "0" },
        "io.modelcontextprotocol/clientCapabilities": {} });
    let version = ("mcp-protocol-version", "2026-07-28");
    let body = |method: &str, mut params: Value| {
        params["_meta"] = meta.clone();
        json!({ "jsonrpc": "2.0", "id": "x", "method": method, "params": params }).to_string()
    };
    let discover = server
        .post(
            body("server/discover", json!({})),
            &[version, ("mcp-method", "server/discover")],
        )
        .await;
    let result = &discover.body["result"];
    assert_eq!(
        result["supportedVersions"],
        json!(["2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"])
    );
    assert!(result["ttlMs"].as_u64().unwrap() > 0);

    let list = server
        .post(body("tools/list", json!({})), &[version, ("mcp-method", "tools/list")])
        .await;
    assert_eq!(list.body["result"]["resultType"], "complete");
    assert_eq!(
        list.body["result"]["_meta"]["io.modelcontextprotocol/serverInfo"]["name"],
        "quilt-mcp"
    );
    assert_eq!(list.body["result"]["cacheScope"], "public");

    let headers = [
        version,
        ("mcp-method", "tools/call"),
        ("mcp-name", "auth_status"),
        ("authorization", bearer.as_str()),
    ];
    let call = server
        .post(body("tools/call", json!({ "name": "auth_status" })), &headers)
        .await;
    assert_eq!(call.success()["subject"], "alice");
    assert_eq!(
        call.body["result"]["_meta"]["io.modelcontextprotocol/serverInfo"]["name"],
        "quilt-mcp"
    );
    assert_eq!(call.body["id"], "x");
}

#[tokio::test]
async fn every_tool_is_described_annotated_and_typed() {
    let (_stage, server) = server().await;
    let answer = server.rpc(None, "tools/list", json!({})).await;
    let tools = answer.body["result"]["tools"].as_array().unwrap();
    let names: Vec<&str> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    let expected = [
        "athena_databases_list",
        "athena_query_execute",
        "athena_query_history",
        "athena_query_results",
        "athena_query_stop",
        "athena_table_schema",
        "athena_tables_list",
        "athena_workgroups_list",
        "auth_status",
        "bucket_access_check",
        "bucket_list",
        "bucket_object_fetch",
        "bucket_object_info",
        "bucket_object_link",
        "bucket_object_preview",
        "bucket_object_text",
        "bucket_object_versions",
        "bucket_objects_list",
        "bucket_objects_put",
        "bucket_objects_summary",
        "catalog_link",
        "package_browse",
        "package_copy",
        "package_create",
        "package_create_from_s3",
        "package_delete",
        "package_diff",
        "package_list",
        "package_rollback",
        "package_templates",
        "package_update",
        "package_verify",
        "package_versions",
        "permissions_discover",
        "permissions_recommendations",
        "workflow_list",
    ];
    assert_eq!(names, expected);
    for tool in tools {
        let name = &tool["name"];
        assert!(tool["title"].is_string(), "{name}");
        let sentences = tool["description"].as_str().unwrap().matches(['.', '?', '!']).count();
        assert!((1..=4).contains(&sentences), "{name} has {sentences} sentences");
        for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
            assert!(tool["annotations"][hint].is_boolean(), "{name} {hint}");
        }
        let writes = [
            "bucket_objects_put",
            "package_copy",
            "package_create",
            "package_create_from_s3",
            "package_delete",
            "package_rollback",
            "package_update",
        ];
        let is_writer = writes.contains(&name.as_str().unwrap());
        // To stop a query changes something, and replaces nothing.
        let is_stop = name == "athena_query_stop";
        assert_eq!(tool["annotations"]["readOnlyHint"], !is_writer && !is_stop, "{name}");
        assert_eq!(tool["annotations"]["destructiveHint"], is_writer, "{name}");
        // With an output schema a result must be structured, and some clients then show no image.
        let is_fetch = name == "bucket_object_fetch";
        assert_eq!(tool["outputSchema"].is_null(), is_fetch, "{name}");
        for schema in ["inputSchema", "outputSchema"]
            .into_iter()
            .take(if is_fetch { 1 } else { 2 })
        {
            assert_eq!(tool[schema]["type"], "object", "{name} {schema}");
            assert!(tool[schema]["properties"].is_object(), "{name} {schema}");
        }
        if !is_fetch {
            assert_eq!(
                tool["outputSchema"]["required"],
                json!(["success"]),
                "{name}: failures must fit the schema too"
            );
        }
    }
}

#[tokio::test]
async fn wrong_arguments_are_named_with_what_was_expected() {
    let (_stage, server) = server().await;
    let bearer = token(json!({ "sub": "a" }));
    for (tool, arguments, parts) in [
        (
            "bucket_objects_list",
            json!({ "bucket": "abc", "prefx": "a" }),
            vec!["prefx", "bucket, prefix, delimiter"],
        ),
        ("bucket_objects_list", json!({}), vec!["bucket"]),
        (
            "bucket_objects_list",
            json!({ "bucket": "Not A Bucket" }),
            vec!["bucket", "3 to 63"],
        ),
        (
            "bucket_objects_list",
            json!({ "bucket": "abc", "max_keys": 5000 }),
            vec!["max_keys", "from 1 to 1000"],
        ),
        (
            "bucket_object_info",
            json!({ "s3_uri": "http://a/b" }),
            vec!["s3_uri", "s3://bucket/key"],
        ),
        ("bucket_object_info", json!({}), vec!["s3_uri", "bucket and key"]),
        ("bucket_object_info", json!({ "key": "a" }), vec!["bucket"]),
        (
            "bucket_object_info",
            json!({ "s3_uri": "s3://abc/k", "key": "other" }),
            vec!["s3_uri", "another object"],
        ),
        (
            "bucket_object_info",
            json!({ "s3_uri": "s3://abc/k?versionId=1", "version_id": "2" }),
            vec!["version_id"],
        ),
        (
            "bucket_object_info",
            json!({ "s3_uri": "quilt+s3://abc#package=a/b" }),
            vec!["s3_uri", "&path="],
        ),
        (
            "bucket_object_text",
            json!({ "s3_uri": "s3://abc/k", "find": "/(/" }),
            vec!["find", "regular expression"],
        ),
        (
            "bucket_objects_list",
            json!({ "bucket": "abc", "match": "[" }),
            vec!["match", "glob"],
        ),
        (
            "bucket_object_text",
            json!({ "s3_uri": "s3://abc/k", "offset": "end" }),
            vec!["offset"],
        ),
        (
            "bucket_object_text",
            json!({ "s3_uri": "s3://abc/k", "encoding": "klingon" }),
            vec!["encoding"],
        ),
        (
            "bucket_objects_put",
            json!({ "bucket": "abc", "items": [] }),
            vec!["items", "1 to 100"],
        ),
        (
            "bucket_objects_put",
            json!({ "bucket": "abc", "items": [{ "key": "k", "acl": "x" }] }),
            vec!["items[0]", "acl"],
        ),
        ("auth_status", json!({ "x": 1 }), vec!["refresh"]),
    ] {
        let answer = server.call(&bearer, tool, arguments.clone()).await;
        let sentence = answer.failure("invalid_argument")["error"].as_str().unwrap().to_owned();
        for part in parts {
            assert!(sentence.contains(part), "{arguments}: {sentence}");
        }
    }
    let null = json!({ "refresh": null });
    server.call(&bearer, "auth_status", null).await.success();
    let unknown = server.call(&bearer, "no_such_tool", json!({})).await;
    assert_eq!((unknown.status, &unknown.body["error"]["code"]), (200, &json!(-32602)));
    assert_eq!(unknown.body["error"]["data"]["error_code"], "unknown_tool");
}
