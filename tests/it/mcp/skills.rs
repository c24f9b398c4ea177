//! Skills, and what clients show of the server: an icon and a website.

use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::SECRET;
use crate::support::server::{Answer, Server};
use crate::support::stage::Stage;

async fn server() -> (Stage, Server) {
    let stage = Stage::embedded().await;
    let flags = [
        format!("--jwt-secret={SECRET}"),
        "--catalog-url=https://catalog.example.com".to_owned(),
    ];
    let server = Server::start(&stage, None, &flags).await;
    (stage, server)
}

/// A request of one era of the protocol, without a token.
async fn ask(server: &Server, version: &str, method: &str, mut params: Value, headers: &[(&str, &str)]) -> Answer {
    if version >= "2026" {
        params["_meta"] = json!({ "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientCapabilities": {} });
    }
    let name = params["uri"].as_str().unwrap_or_default().to_owned();
    let mut all = vec![("mcp-protocol-version", version), ("mcp-method", method)];
    if method == "resources/read" {
        all.push(("mcp-name", &name));
    }
    all.extend_from_slice(headers);
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    server.post(body.to_string(), &all).await
}

#[tokio::test]
async fn skills_are_listed_and_read_as_their_digests_say() {
    let (_stage, server) = server().await;
    for version in ["2025-11-25", "2026-07-28"] {
        let list = ask(&server, version, "skills/list", json!({}), &[]).await;
        let skills = list.body["result"]["skills"]
            .as_array()
            .unwrap_or_else(|| panic!("{}", list.body));
        let names: Vec<&str> = skills
            .iter()
            .map(|skill| skill["frontmatter"]["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["build-a-package", "find-and-read"]);
        assert_eq!(list.body["result"]["cacheScope"].is_string(), version >= "2026");
        for skill in skills {
            let uri = &skill["uri"];
            let one = ask(&server, version, "skills/get", json!({ "uri": uri }), &[]).await;
            assert_eq!(&one.body["result"]["skill"], skill, "{}", one.body);
            let read = ask(&server, version, "resources/read", json!({ "uri": uri }), &[]).await;
            let contents = &read.body["result"]["contents"][0];
            let text = contents["text"].as_str().unwrap_or_else(|| panic!("{}", read.body));
            let digest = Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
                write!(hex, "{byte:02x}").unwrap();
                hex
            });
            assert_eq!(
                skill["resources"],
                json!([{ "uri": uri, "digest": format!("sha256:{digest}"), "size": text.len() }])
            );
        }
        let missing = ask(
            &server,
            version,
            "skills/get",
            json!({ "uri": "skill://other/SKILL.md" }),
            &[],
        )
        .await;
        assert_eq!(
            missing.body["error"]["data"]["error_code"], "no_such_resource",
            "{}",
            missing.body
        );
    }
    let narrowed = ask(
        &server,
        "2025-11-25",
        "skills/list",
        json!({}),
        &[("x-mcp-toolsets", "packaging")],
    )
    .await;
    let left = narrowed.body["result"]["skills"].as_array().unwrap();
    assert_eq!(
        (left.len(), &left[0]["frontmatter"]["name"]),
        (1, &json!("build-a-package"))
    );
}

#[tokio::test]
async fn clients_are_told_an_icon_a_website_and_how_to_begin() {
    let (_stage, server) = server().await;
    let client =
        json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    let old = ask(&server, "2025-11-25", "initialize", client, &[]).await.body["result"].clone();
    let new = ask(&server, "2026-07-28", "server/discover", json!({}), &[]).await.body["result"].clone();
    for (result, info) in [
        (&old, &old["serverInfo"]),
        (&new, &new["_meta"]["io.modelcontextprotocol/serverInfo"]),
    ] {
        assert_eq!(
            info["websiteUrl"].as_str().unwrap().trim_end_matches('/'),
            "https://catalog.example.com",
            "{result}"
        );
        let icon = &info["icons"][0];
        assert!(
            icon["src"]
                .as_str()
                .unwrap()
                .starts_with("data:image/svg+xml;base64,PHN2Zy"),
            "{icon}"
        );
        assert_eq!(
            result["capabilities"]["extensions"],
            json!({ "io.modelcontextprotocol/skills": {}, "io.modelcontextprotocol/ui": {} })
        );
        let instructions = result["instructions"].as_str().unwrap();
        let (own, _notice) = instructions.split_once("what may help.").unwrap();
        let sentences = 1 + own.split_whitespace().filter(|word| word.ends_with('.')).count();
        assert_eq!(sentences, 8, "{instructions}");
    }
    let ping = ask(&server, "2026-07-28", "tools/list", json!({}), &[]).await;
    let meta = &ping.body["result"]["_meta"]["io.modelcontextprotocol/serverInfo"];
    assert!(
        meta["name"] == "quilt-mcp" && meta.get("icons").is_none(),
        "an icon in each answer costs: {meta}"
    );
}
