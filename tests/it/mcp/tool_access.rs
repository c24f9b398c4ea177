//! Bounds of read-only and toolset settings, for each path by which the code's own tables reach a tool.

use std::collections::BTreeSet;

use quilt_mcp::tools::{ToolRoute, Toolbox, Toolset, tool_routes};
use serde_json::{Value, json};

use crate::support::server::{Answer, Server};
use crate::support::stage::{SHARED, Stage};
use crate::support::{SECRET, token};

/// A server, a caller who may read and write, and a package with one entry.
struct Scene {
    stage: Stage,
    server: Server,
    bearer: String,
}

const PACKAGE: &str = "team/here";
const READ_ONLY: (&str, &str) = ("x-mcp-readonly", "true");

impl Scene {
    async fn new() -> Self {
        let stage = Stage::embedded().await;
        stage.seed(SHARED, "in/a.txt", b"a").await;
        let flags = [
            format!("--jwt-secret={SECRET}"),
            "--toolsets=default,account".to_owned(),
        ];
        let server = Server::start(&stage, None, &flags).await;
        let keys = &stage.writer;
        let bearer = token(
            json!({ "sub": "writer", "aws_credentials": { "access_key_id": keys.access_key_id,
            "secret_access_key": keys.secret_access_key, "session_token": keys.session_token } }),
        );
        let scene = Self { stage, server, bearer };
        let arguments = json!({ "bucket": SHARED, "name": PACKAGE, "files": [format!("s3://{SHARED}/in/a.txt")] });
        scene
            .server
            .call(&scene.bearer, "package_create", arguments)
            .await
            .success();
        scene
    }

    async fn ask(&self, method: &str, params: Value, header: Option<(&str, &str)>) -> Answer {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let bearer = format!("Bearer {}", self.bearer);
        let headers: Vec<_> = [("authorization", bearer.as_str())].into_iter().chain(header).collect();
        self.server.post(body, &headers).await
    }

    async fn take(&self, route: &ToolRoute, arguments: Value, header: (&str, &str)) -> Answer {
        let arguments = match route.action {
            Some(action) => json!({ "action": action, "params": arguments,
                "_context": { "bucket": SHARED, "package": PACKAGE } }),
            None => arguments,
        };
        self.ask(
            "tools/call",
            json!({ "name": route.name, "arguments": arguments }),
            Some(header),
        )
        .await
    }

    /// The names of a list.
    async fn list(&self, method: &str, member: &str, name: &str, header: Option<(&str, &str)>) -> BTreeSet<String> {
        let answer = self.ask(method, json!({}), header).await;
        let list = answer.body["result"][member]
            .as_array()
            .unwrap_or_else(|| panic!("{}", answer.body))
            .clone();
        list.iter()
            .map(|item| item[name].as_str().unwrap().to_owned())
            .collect()
    }

    async fn templates(&self, header: Option<(&str, &str)>) -> BTreeSet<String> {
        self.list("resources/templates/list", "resourceTemplates", "uriTemplate", header)
            .await
    }

    async fn prompts(&self, header: Option<(&str, &str)>) -> BTreeSet<String> {
        self.list("prompts/list", "prompts", "name", header).await
    }

    /// Returns the keys of packages that S3 was asked for since this entry of the journal.
    fn package_keys(&self, since: usize) -> Vec<String> {
        let entries = self.stage.aws().journal().entries();
        let keys = entries.iter().skip(since).filter_map(|entry| entry.key.clone());
        keys.filter(|key| key.starts_with(".quilt/")).collect()
    }
}

fn is_invalid(answer: &Answer) -> bool {
    answer.body["error"]["code"] == -32602
}

fn is_switched_off(answer: &Answer) -> bool {
    is_invalid(answer)
        && answer.body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("switched off")
}

#[tokio::test]
async fn one_toolset_alone_is_all_there_is_on_every_road_to_a_tool() {
    let scene = Scene::new().await;
    let toolbox = Toolbox::new();
    let all = tool_routes(&toolbox);
    let reached: BTreeSet<&str> = all.iter().map(|route| route.tool).collect();
    assert_eq!(
        reached.len(),
        toolbox.typed().len(),
        "every tool has a route, and every route leads to one"
    );
    for toolset in Toolset::ALL {
        let header = ("x-mcp-toolsets", toolset.as_str());
        let since = scene.stage.aws().journal().len();
        for route in &all {
            let tool = toolbox.tool(route.tool).unwrap();
            assert_eq!(tool.toolset, route.toolset, "{route:?} belongs where its tool does");
            // An entry of a package, for the actions that take one; the others refuse the argument.
            let answer = scene.take(route, json!({ "path": "a.txt" }), header).await;
            assert_eq!(
                is_switched_off(&answer),
                route.toolset != toolset,
                "{toolset:?} {route:?}: {}",
                answer.body
            );
        }
        if toolset != Toolset::Packaging {
            assert_eq!(scene.package_keys(since), [""; 0], "{toolset:?} reads no package");
        }
        let listed = scene.list("tools/list", "tools", "name", Some(header)).await;
        let own = all
            .iter()
            .filter(|route| route.toolset == toolset)
            .map(|route| route.name.to_owned());
        assert!(listed.is_subset(&own.collect()), "{toolset:?}: {listed:?}");
    }
}

/// An entry of a package is read with the toolset of packages, under each of its names.
#[tokio::test]
async fn an_entry_needs_the_toolset_of_packages() {
    let scene = Scene::new().await;
    let entry = json!({ "path": "a.txt" });
    let mut with_entry = 0;
    for route in tool_routes(&Toolbox::new())
        .iter()
        .filter(|route| route.name == "buckets")
    {
        let open = scene
            .take(route, entry.clone(), ("x-mcp-toolsets", "buckets,packaging"))
            .await;
        if open.output()["success"] != true || route.action == Some("discover") {
            continue;
        }
        with_entry += 1;
        let since = scene.stage.aws().journal().len();
        let closed = scene.take(route, entry.clone(), ("x-mcp-toolsets", "buckets")).await;
        let sentence = closed.failure("invalid_argument")["error"].as_str().unwrap();
        assert!(
            sentence.contains("toolset packaging") && sentence.contains("switched off"),
            "{sentence}"
        );
        assert_eq!(
            scene.stage.aws().journal().len(),
            since,
            "{route:?} asks S3 for nothing"
        );
    }
    assert_eq!(with_entry, 4, "info, text, fetch and link");
}

#[tokio::test]
async fn one_toolset_alone_is_all_there_is_of_resources_completions_and_prompts() {
    let scene = Scene::new().await;
    let (templates, prompts) = (scene.templates(None).await, scene.prompts(None).await);
    let (mut seen_templates, mut seen_prompts) = (Vec::new(), Vec::new());
    let uris = [
        (Toolset::Buckets, format!("s3://{SHARED}/in/a.txt")),
        (Toolset::Packaging, format!("quilt+s3://{SHARED}#package={PACKAGE}")),
        (
            Toolset::Packaging,
            format!("quilt+s3://{SHARED}#package={PACKAGE}&path=a.txt"),
        ),
    ];
    assert_eq!(
        templates.len(),
        uris.len(),
        "a template without a URI of this test: {templates:?}"
    );
    for toolset in Toolset::ALL {
        let header = Some(("x-mcp-toolsets", toolset.as_str()));
        for (of, uri) in &uris {
            let since = scene.stage.aws().journal().len();
            let answer = scene.ask("resources/read", json!({ "uri": uri }), header).await;
            assert_eq!(
                is_switched_off(&answer),
                *of != toolset,
                "{toolset:?} {uri}: {}",
                answer.body
            );
            assert_eq!(
                scene.stage.aws().journal().len() == since,
                *of != toolset,
                "{toolset:?} {uri}"
            );
        }
        let (own_templates, own_prompts) = (scene.templates(header).await, scene.prompts(header).await);
        for template in &templates {
            let params = json!({ "ref": { "type": "ref/resource", "uri": template },
                "argument": { "name": "bucket", "value": "" } });
            let answer = scene.ask("completion/complete", params, header).await;
            assert_eq!(
                is_switched_off(&answer),
                !own_templates.contains(template),
                "{template}: {}",
                answer.body
            );
        }
        for prompt in &prompts {
            let is_absent = !own_prompts.contains(prompt);
            let got = scene.ask("prompts/get", json!({ "name": prompt }), header).await;
            let says_so = |answer: &Answer| {
                is_invalid(answer)
                    && answer.body["error"]["message"]
                        .as_str()
                        .unwrap()
                        .starts_with("There is no such prompt")
            };
            assert_eq!(says_so(&got), is_absent, "{toolset:?} {prompt}: {}", got.body);
            let params = json!({ "ref": { "type": "ref/prompt", "name": prompt },
                "argument": { "name": "bucket", "value": "" } });
            let completed = scene.ask("completion/complete", params, header).await;
            assert_eq!(
                says_so(&completed),
                is_absent,
                "{toolset:?} {prompt}: {}",
                completed.body
            );
        }
        seen_templates.extend(own_templates);
        seen_prompts.extend(own_prompts);
    }
    seen_templates.sort();
    seen_prompts.sort();
    assert!(
        seen_templates.iter().eq(&templates) && seen_prompts.iter().eq(&prompts),
        "each belongs to one toolset"
    );
}

/// Arguments with which a tool writes.
fn writing(tool: &str) -> Value {
    let file = format!("s3://{SHARED}/in/a.txt");
    match tool {
        "bucket_objects_put" => json!({ "bucket": SHARED, "items": [{ "key": "out/x", "text": "x" }] }),
        "package_copy" => json!({ "bucket": SHARED, "name": PACKAGE, "dest_name": "team/copy" }),
        "package_create" => json!({ "bucket": SHARED, "name": "team/new", "files": [file] }),
        "package_create_from_s3" => {
            json!({ "bucket": SHARED, "name": "team/from", "source_bucket": SHARED, "source_prefix": "in/" })
        }
        "package_update" => json!({ "bucket": SHARED, "name": PACKAGE, "message": "next" }),
        "package_delete" => json!({ "bucket": SHARED, "name": PACKAGE, "confirm": PACKAGE }),
        "package_rollback" => json!({ "bucket": SHARED, "name": PACKAGE, "hash": "latest~1" }),
        "athena_query_stop" => json!({ "query_id": "00000000-0000-0000-0000-000000000000" }),
        "role_switch" => json!({ "role": "Writer" }),
        "tabulator_table_create" => json!({ "bucket": SHARED, "table": "t", "schema": ["a INT"],
            "package_name": ".", "logical_key": "." }),
        "tabulator_table_delete" => json!({ "bucket": SHARED, "table": "t", "confirm": "t" }),
        "tabulator_table_rename" => json!({ "bucket": SHARED, "table": "t", "new_name": "u" }),
        other => panic!("{other} writes, and this test does not know its arguments"),
    }
}

#[tokio::test]
async fn what_writes_is_refused_where_nothing_may_be_written() {
    let scene = Scene::new().await;
    let toolbox = Toolbox::new();
    let routes = tool_routes(&toolbox);
    let writes: Vec<&ToolRoute> = routes
        .iter()
        .filter(|route| !toolbox.tool(route.tool).unwrap().hints.read_only)
        .collect();
    let before = (scene.stage.written(SHARED).await, scene.stage.aws().journal().len());
    for route in &writes {
        scene
            .take(route, writing(route.tool), READ_ONLY)
            .await
            .failure("read_only");
        scene.take(route, json!({}), READ_ONLY).await.failure("read_only");
    }
    assert_eq!(scene.stage.aws().journal().len(), before.1, "S3 is asked for nothing");
    assert_eq!(scene.stage.written(SHARED).await, before.0);
    // Reading actions may be called; they write nothing.
    for route in routes
        .iter()
        .filter(|route| toolbox.tool(route.tool).unwrap().hints.read_only)
    {
        let answer = scene.take(route, json!({ "bucket": SHARED }), READ_ONLY).await;
        assert_ne!(answer.output()["error_code"], "read_only", "{route:?}");
    }
    assert_eq!(scene.stage.written(SHARED).await, before.0);

    let prompts = scene.prompts(Some(READ_ONLY)).await;
    for prompt in scene.prompts(None).await.difference(&prompts) {
        assert!(
            is_invalid(
                &scene
                    .ask("prompts/get", json!({ "name": prompt }), Some(READ_ONLY))
                    .await
            ),
            "{prompt}"
        );
        let params = json!({ "ref": { "type": "ref/prompt", "name": prompt },
            "argument": { "name": "bucket", "value": "" } });
        assert!(
            is_invalid(&scene.ask("completion/complete", params, Some(READ_ONLY)).await),
            "{prompt}"
        );
    }

    // The same calls do write where that is allowed; what the registry keeps is written in the tests of its tools.
    let to_s3 = writes
        .iter()
        .filter(|route| !matches!(route.toolset, Toolset::Account | Toolset::Tabulator | Toolset::Athena));
    let mut typed: Vec<&str> = to_s3.map(|route| route.tool).collect();
    typed.sort_unstable();
    typed.dedup();
    // There must be a revision to roll back to, and a package to delete.
    let last = ["package_rollback", "package_delete"];
    typed.retain(|tool| !last.contains(tool));
    for tool in typed.into_iter().chain(last) {
        let before = scene.stage.written(SHARED).await;
        scene
            .ask("tools/call", json!({ "name": tool, "arguments": writing(tool) }), None)
            .await
            .success();
        assert_ne!(scene.stage.written(SHARED).await, before, "{tool}");
    }
}
