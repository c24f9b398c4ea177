//! Every argument of every tool, in each form in which clients send it: absent, null, blank, as JSON text, and of a wrong type;
//! by the tool's own name and as an action.

use std::collections::BTreeSet;

use quilt_mcp::clock::Clock;
use quilt_mcp::config::ServeConfig;
use quilt_mcp::dev::Dev;
use quilt_mcp::tools::{AnyTool, ToolRoute, Toolbox, Toolset, tool_routes};
use serde_json::{Map, Value, json};

use super::transcripts::without_variables;
use crate::support::server::{Answer, Server};

const NAME: &str = "arguments/package";

/// A development server with a package that may be updated.
struct Scene {
    _data: tempfile::TempDir,
    dev: Dev,
    server: Server,
    /// A query that has succeeded.
    query_id: String,
}

impl Scene {
    async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let flags = ["--port=0", "--rate-limit=off", "--toolsets=default,account"].map(str::to_owned);
        let config = ServeConfig::from_flags(flags).unwrap();
        let dev = Dev::start_with(config, data.path(), Clock::system()).await.unwrap();
        let server = Server::at(dev.backend.info.mcp_url.clone());
        let mut scene = Self {
            _data: data,
            dev,
            server,
            query_id: String::new(),
        };
        let ran = scene.call("athena_query_execute", &json!({ "sql": "SELECT 1" })).await;
        scene.query_id = ran.success()["query_id"].as_str().unwrap().to_owned();
        let bucket = scene.bucket();
        let items = json!([{ "key": "arguments/a.txt", "text": "a\n" }, { "key": "arguments/b.txt", "text": "b\n" },
            { "key": "arguments/c.csv", "text": "c,d\n1,2\n" }]);
        let put = json!({ "bucket": bucket, "items": items });
        scene.call("bucket_objects_put", &put).await.success();
        for key in ["a", "b"] {
            let files = [format!("s3://{bucket}/arguments/{key}.txt")];
            let create = json!({ "bucket": bucket, "name": NAME, "files": files, "overwrite": true });
            scene.call("package_create", &create).await.success();
        }
        // What a call has read is not read again, and `bytes_hashed` says so: now it is the same for all calls.
        let all = json!({ "bucket": scene.bucket(), "name": "arguments/all", "dry_run": true });
        scene.call("package_create_from_s3", &all).await.success();
        scene
    }

    fn bucket(&self) -> String {
        self.dev.backend.info.buckets.shared.clone()
    }

    async fn call(&self, name: &str, arguments: &Value) -> Answer {
        let token = &self.dev.backend.info.users.writer.token;
        self.server.call(token, name, arguments.clone()).await
    }

    /// Calls a tool by one of its names.
    async fn take(&self, route: &ToolRoute, arguments: &Value) -> Answer {
        match route.action {
            None => self.call(route.name, arguments).await,
            Some(action) => {
                self.call(route.name, &json!({ "action": action, "params": arguments }))
                    .await
            }
        }
    }

    /// Makes the table that some tools rename and delete.
    fn reset_tabulator(&self) {
        let tables = &self.dev.backend.tabulator;
        let config = "schema: [{name: a, type: INT}]\nsource: {type: quilt-packages, package_name: a, logical_key: b}\n\
                      parser: {format: csv}\n";
        tables.set(&self.bucket(), "arguments", Some(config.to_owned()));
        tables.set(&self.bucket(), "other", None);
    }

    /// Calls a tool, and returns the structured result without what differs between two calls.
    async fn outcome(&self, route: &ToolRoute, arguments: &Value) -> Value {
        self.reset_tabulator();
        let answer = self.take(route, arguments).await;
        assert_eq!(answer.status, 200, "{route:?} {arguments}: {}", answer.body);
        without_variables(&answer.body["result"])
    }

    /// The required arguments of a tool, and those that keep it from writing.
    fn base(&self, tool: &str) -> Value {
        let bucket = self.bucket();
        let object = format!("s3://{bucket}/arguments/a.txt");
        match tool {
            "athena_query_execute" => json!({ "sql": "SELECT 1" }),
            "athena_query_results" | "athena_query_stop" => {
                json!({ "query_id": self.query_id })
            }
            "athena_table_schema" => {
                json!({ "database": "quilt_dev_iceberg", "table": format!("{bucket}_package_entry") })
            }
            "athena_tables_list" => json!({ "database": "quilt_dev_iceberg" }),
            "athena_databases_list"
            | "athena_query_history"
            | "athena_workgroups_list"
            | "auth_status"
            | "bucket_list"
            | "package_templates"
            | "permissions_discover"
            | "permissions_recommendations" => json!({}),
            "role_switch" => json!({ "role": "Writer" }),
            "tabulator_table_create" => json!({ "bucket": bucket, "table": "new", "dry_run": true,
                "schema": ["a INT"], "package_name": "^arguments/", "logical_key": "txt$" }),
            "tabulator_table_delete" => json!({ "bucket": bucket, "table": "arguments", "confirm": "arguments" }),
            "tabulator_table_rename" => json!({ "bucket": bucket, "table": "arguments", "new_name": "other" }),
            "bucket_access_check"
            | "bucket_objects_list"
            | "bucket_objects_summary"
            | "catalog_link"
            | "package_list"
            | "tabulator_tables_list"
            | "usage_stats"
            | "workflow_list" => {
                json!({ "bucket": bucket })
            }
            "bucket_object_fetch" | "bucket_object_info" | "bucket_object_link" | "bucket_object_text" => {
                json!({ "s3_uri": object })
            }
            "bucket_object_preview" => json!({ "s3_uri": format!("s3://{bucket}/arguments/c.csv") }),
            "bucket_object_versions" => json!({ "bucket": bucket, "key": "arguments/a.txt" }),
            "bucket_objects_put" => {
                json!({ "bucket": bucket, "items": [{ "key": "new.txt", "text": "x" }], "dry_run": true })
            }
            "package_create" => {
                json!({ "bucket": bucket, "name": "arguments/new", "files": [object], "dry_run": true })
            }
            "package_copy" => json!({ "bucket": bucket, "name": NAME, "dest_name": "arguments/copy", "dry_run": true }),
            "package_create_from_s3" => json!({ "bucket": bucket, "name": "arguments/new",
                "source_prefix": "arguments/", "dry_run": true }),
            "package_delete" => json!({ "bucket": bucket, "name": NAME, "dry_run": true }),
            "package_rollback" => json!({ "bucket": bucket, "name": NAME, "hash": "latest", "dry_run": true }),
            "package_update" => json!({ "bucket": bucket, "name": NAME, "message": "m", "dry_run": true }),
            "package_browse" | "package_diff" | "package_verify" | "package_versions" => {
                json!({ "bucket": bucket, "name": NAME })
            }
            "search_catalog" | "search_facets" => json!({ "query": "nothing-has-this-name" }),
            tool => panic!("this test has no arguments for {tool}"),
        }
    }

    /// A valid value of an argument of another type than string.
    fn sample(&self, argument: &str, schema: &Value) -> Value {
        let object = format!("s3://{}/arguments/b.txt", self.bucket());
        match (argument, schema["type"].as_str().unwrap()) {
            ("add_from_s3", _) => json!([{ "source_prefix": "arguments/", "exclude": ["*.csv"] }]),
            ("buckets" | "check_buckets", _) => json!([self.bucket()]),
            ("files" | "add", _) => json!([{ "s3_uri": object, "meta": { "n": 1 } }]),
            ("include" | "exclude", _) => json!(["a.*"]),
            ("items", _) => json!([{ "key": "other.txt", "data": "AAEC", "metadata": { "lab": "A" } }]),
            ("filters", _) => json!({ "size_min": 1 }),
            ("metadata", "array") => json!([{ "path": "/lab", "equals": ["A"] }]),
            ("metadata", _) => json!({ "lab": "A", "n": 12 }),
            // The statement has no parameters.
            ("parameters", _) => json!([]),
            ("operations", _) => json!(["list"]),
            ("remove", _) => json!(["b.txt"]),
            ("schema", _) => json!(["b STRING"]),
            ("summary", _) => json!([{ "path": "a.txt", "title": "A" }]),
            (_, "integer") => schema["maximum"].as_u64().map_or(json!(1), |most| json!(most.min(7))),
            (_, "boolean") => json!(true),
            (argument, kind) => panic!("this test has no value for {argument}, of type {kind}"),
        }
    }
}

fn with(base: &Value, name: &str, value: Value) -> Value {
    let mut arguments = base.clone();
    arguments[name] = value;
    arguments
}

fn without(base: &Value, name: &str) -> Value {
    let mut arguments = base.clone();
    arguments.as_object_mut().unwrap().remove(name);
    arguments
}

fn properties(schema: &Value) -> Map<String, Value> {
    schema["properties"].as_object().unwrap().clone()
}

fn required(schema: &Value) -> Vec<&str> {
    schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// A value of another type, and the words that say what is expected.
fn wrong(schema: &Value) -> (Value, &'static str) {
    if schema.get("enum").is_some() {
        return (json!("neither of them"), "one of ");
    }
    match schema["type"].as_str().unwrap() {
        "integer" => (json!("seven"), "a whole number"),
        "boolean" => (json!("perhaps"), "true or false"),
        "string" => (json!({ "a": 1 }), "a string"),
        "array" => (json!(7), "a list"),
        "object" => (json!(7), "an object"),
        kind => panic!("{kind}"),
    }
}

fn refusal(outcome: &Value) -> &str {
    let failure = &outcome["structuredContent"];
    assert_eq!(failure["error_code"], "invalid_argument", "{outcome}");
    failure["error"].as_str().unwrap()
}

/// Each tool by its own name, and by the first action that leads to it.
fn roads(toolbox: &Toolbox) -> Vec<(ToolRoute, &AnyTool)> {
    let mut known = BTreeSet::new();
    let roads = tool_routes(toolbox).into_iter();
    let roads = roads.filter(|route| known.insert((route.tool, route.action.is_some())));
    roads
        .filter(|route| route.action.is_some() || route.name == route.tool)
        .map(|route| (route, toolbox.tool(route.tool).unwrap()))
        .collect()
}

#[tokio::test]
async fn absence_has_one_meaning_in_all_its_forms() {
    let scene = Scene::new().await;
    let toolbox = Toolbox::new();
    for (route, tool) in roads(&toolbox) {
        let base = scene.base(tool.name);
        let absent = scene.outcome(&route, &base).await;
        assert_eq!(absent["isError"], false, "{route:?}: {absent}");
        let schema = Value::from(tool.input_schema.clone());
        for (name, _) in properties(&schema) {
            let what = format!("{route:?} {name}");
            let is_required = required(&schema).contains(&name.as_str());
            for form in [Value::Null, json!(""), json!("  ")] {
                if name == "dry_run" {
                    // Its absence writes.
                    continue;
                }
                let outcome = scene.outcome(&route, &with(&base, &name, form.clone())).await;
                // An action takes the bucket of the files where none is given.
                let is_completed = route.action == Some("create") && name == "bucket";
                match (tool.name, name.as_str()) {
                    // Absence means the whole package.
                    ("package_delete", "hash") => {
                        assert!(refusal(&outcome).contains("leave it out"), "{what} {form}: {outcome}");
                    }
                    _ if is_completed => assert_eq!(outcome, absent, "{what} {form}"),
                    _ if is_required => {
                        assert!(refusal(&outcome).contains(&name), "{what} {form}: {outcome}");
                    }
                    _ => {
                        let expected = scene.outcome(&route, &without(&base, &name)).await;
                        if (form == json!("  "))
                            && ["prefix", "path", "source_prefix", "delimiter", "workflow"].contains(&name.as_str())
                        {
                            // A blank may be part of a key, and no workflow has such an id.
                            continue;
                        }
                        assert_eq!(outcome, expected, "{what} {form}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn json_texts_are_read_where_the_schema_wants_no_text() {
    let scene = Scene::new().await;
    let toolbox = Toolbox::new();
    for (route, tool) in roads(&toolbox) {
        let base = scene.base(tool.name);
        let schema = Value::from(tool.input_schema.clone());
        for (name, schema) in properties(&schema) {
            // A search for everything has no conditions on metadata, which only packages have.
            let is_refused = route.action == Some("unified_search") && name == "metadata";
            if schema["type"] == "string" || is_refused {
                continue;
            }
            let sample = scene.sample(&name, &schema);
            let expected = scene.outcome(&route, &with(&base, &name, sample.clone())).await;
            assert_eq!(expected["isError"], false, "{route:?} {name}: {expected}");
            let mut forms = vec![json!(sample.to_string()), json!(format!(" {sample} "))];
            forms.extend((sample == json!(true)).then(|| json!("True")));
            if let Some([only]) = sample.as_array().map(Vec::as_slice) {
                // A list of one text, without the list; and elements as texts.
                forms.extend(only.is_string().then(|| only.clone()));
                forms.extend(only.is_object().then(|| json!([only.to_string()])));
            }
            for form in forms {
                let outcome = scene.outcome(&route, &with(&base, &name, form.clone())).await;
                assert_eq!(outcome, expected, "{route:?} {name} {form}");
            }
        }
    }
}

#[tokio::test]
async fn a_wrong_type_is_refused_in_words_that_name_the_argument() {
    let scene = Scene::new().await;
    let toolbox = Toolbox::new();
    let mut arguments = 0;
    for (route, tool) in roads(&toolbox) {
        let base = scene.base(tool.name);
        let schema = Value::from(tool.input_schema.clone());
        for (name, schema) in properties(&schema) {
            let (value, words) = wrong(&schema);
            let outcome = scene.outcome(&route, &with(&base, &name, value)).await;
            let sentence = refusal(&outcome);
            assert!(
                sentence.starts_with(&format!("Argument {name}: expected ")) && sentence.contains(words),
                "{route:?} {name}: {sentence}"
            );
            arguments += 1;
        }
        let unknown = scene.outcome(&route, &with(&base, "maximum", json!(1))).await;
        assert!(refusal(&unknown).contains("has no argument `maximum`"), "{unknown}");
    }
    assert!(arguments > 100, "{arguments}");
}

/// The members of the objects in `items`, `files` and `add`.
#[tokio::test]
async fn members_of_objects_are_read_as_arguments_are() {
    let scene = Scene::new().await;
    let toolbox = Toolbox::new();
    let mut members = 0;
    for (route, tool) in roads(&toolbox) {
        let base = scene.base(tool.name);
        let schema = Value::from(tool.input_schema.clone());
        for (name, schema) in properties(&schema) {
            // Conditions of a search exclude each other: `search::refusals`.
            if schema["items"]["type"] != "object" || route.toolset == Toolset::Search {
                continue;
            }
            let object = format!("s3://{}/arguments/b.txt", scene.bucket());
            let plain = match name.as_str() {
                "items" => json!({ "key": "other.txt", "text": "x" }),
                "add_from_s3" => json!({ "source_prefix": "arguments/" }),
                "summary" => json!({ "path": "a.txt" }),
                _ => json!({ "s3_uri": object }),
            };
            let ask = async |member: &str, value: Value| {
                let item = with(&plain, member, value);
                scene.outcome(&route, &with(&base, &name, json!([item]))).await
            };
            let absent = scene.outcome(&route, &with(&base, &name, json!([plain]))).await;
            assert_eq!(absent["isError"], false, "{absent}");
            for (member, schema) in properties(&schema["items"]) {
                let what = format!("{route:?} {name}[0].{member}");
                members += 1;
                for form in [Value::Null, json!("")] {
                    let outcome = ask(&member, form.clone()).await;
                    match member.as_str() {
                        "key" | "path" | "s3_uri" => assert_eq!(outcome["isError"], true, "{what}: {outcome}"),
                        // An empty text is content, and a prefix of every key.
                        "text" | "source_prefix" => assert_eq!(outcome["isError"], form.is_null(), "{what}: {outcome}"),
                        _ => assert_eq!(outcome, absent, "{what} {form}"),
                    }
                }
                let (value, words) = wrong(&schema);
                let outcome = ask(&member, value).await;
                let sentence = refusal(&outcome);
                assert!(
                    sentence.contains(&format!("{name}[0].{member}: expected ")) && sentence.contains(words),
                    "{what}: {sentence}"
                );
                if schema["type"] == "object" {
                    let value = json!({ "lab": "A" });
                    let expected = ask(&member, value.clone()).await;
                    assert_eq!(ask(&member, value.to_string().into()).await, expected, "{what}");
                    assert_eq!(expected["isError"], false, "{what}");
                    assert_eq!(ask(&member, json!([])).await, ask(&member, json!({})).await, "{what}");
                }
            }
            let outcome = ask("sise", json!(1)).await;
            assert!(refusal(&outcome).contains("sise"), "{outcome}");
        }
    }
    assert!(members > 20, "{members}");
}

/// Names that clients are known to add to every call.
#[tokio::test]
async fn bookkeeping_of_clients_is_dropped() {
    let scene = Scene::new().await;
    let toolbox = Toolbox::new();
    for (route, tool) in roads(&toolbox) {
        let base = scene.base(tool.name);
        let expected = scene.outcome(&route, &base).await;
        let mut arguments = base.clone();
        for name in ["toolCallId", "task_progress", "sessionId", "chatInput", "random_string"] {
            arguments[name] = json!("call_1");
        }
        if route.action.is_none() {
            arguments["action"] = json!("sendMessage");
        }
        assert_eq!(scene.outcome(&route, &arguments).await, expected, "{route:?}");
    }
    let module = json!({ "action": "list", "params": { "bucket": scene.bucket() }, "toolCallId": "call_1" });
    scene.call("packaging", &module).await.success();
}

/// What a client that lost a type sends for a deletion is never more than what was meant.
#[tokio::test]
async fn absence_never_widens_a_deletion() {
    let scene = Scene::new().await;
    let package = json!({ "bucket": scene.bucket(), "name": NAME, "confirm": NAME });
    for hash in [
        Value::Null,
        json!(""),
        json!(" "),
        json!("\n"),
        json!([]),
        json!({}),
        json!(false),
        json!(0),
    ] {
        for (name, arguments) in [
            ("package_delete", with(&package, "hash", hash.clone())),
            (
                "packaging",
                json!({ "action": "delete", "params": with(&package, "hash", hash.clone()) }),
            ),
            (
                "packaging",
                json!({ "action": "delete", "params": with(&package, "hash", hash.clone()).to_string() }),
            ),
            ("package_delete", with(&package, "package1_hash", hash.clone())),
        ] {
            let answer = scene.call(name, &arguments).await;
            let sentence = answer.failure("invalid_argument")["error"].as_str().unwrap().to_owned();
            assert!(sentence.contains("Argument hash"), "{sentence}");
        }
    }
    let versions = json!({ "bucket": scene.bucket(), "name": NAME });
    let answer = scene.call("package_versions", &versions).await;
    assert_eq!(answer.success()["versions"].as_array().unwrap().len(), 2);
}

/// An empty list is absence where a list or an object is wanted, and nowhere else.
#[tokio::test]
async fn an_empty_list_is_no_number_switch_or_string() {
    let scene = Scene::new().await;
    let toolbox = Toolbox::new();
    for (route, tool) in roads(&toolbox) {
        let base = scene.base(tool.name);
        let schema = Value::from(tool.input_schema.clone());
        for (name, schema) in properties(&schema) {
            let outcome = scene.outcome(&route, &with(&base, &name, json!([]))).await;
            match schema["type"].as_str().unwrap_or("string") {
                "array" if ["items", "files"].contains(&name.as_str()) => {
                    assert!(refusal(&outcome).contains(&name), "{route:?} {name}: {outcome}");
                }
                "array" => {
                    let absent = scene.outcome(&route, &without(&base, &name)).await;
                    assert_eq!(outcome, absent, "{route:?} {name}");
                }
                "object" => {
                    let empty = scene.outcome(&route, &with(&base, &name, json!({}))).await;
                    assert_eq!(outcome, empty, "{route:?} {name}");
                }
                _ => {
                    let sentence = refusal(&outcome);
                    assert!(
                        sentence.starts_with(&format!("Argument {name}: expected "))
                            && sentence.ends_with("got a list."),
                        "{route:?} {name}: {sentence}"
                    );
                }
            }
        }
    }
}

/// Base64 as programs write it.
#[tokio::test]
async fn base64_is_taken_in_its_usual_forms() {
    let scene = Scene::new().await;
    let bytes: Vec<u8> = (0..=255).collect();
    let folded = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4\nOTo7PD0+P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3Bx\r\ncnN0dXZ3eHl6e3x9fn+AgYKDhIWGh4iJiouMjY6PkJGSk5SVlpeYmZqbnJ2en6ChoqOkpaanqKmq\nq6ytrq+wsbKztLW2t7i5uru8vb6/wMHCw8TFxsfIycrLzM3Oz9DR0tPU1dbX2Nna29zd3t/g4eLj\n5OXm5+jp6uvs7e7v8PHy8/T19vf4+fr7/P3+/w==\n";
    let plain: String = folded.chars().filter(|letter| !letter.is_whitespace()).collect();
    let forms = [
        folded.to_owned(),
        plain.clone(),
        plain.trim_end_matches('=').to_owned(),
        plain.replace('+', "-").replace('/', "_"),
        format!("data:application/octet-stream;base64,{plain}"),
        plain.replace("AAEC", "AA EC"),
    ];
    for data in forms {
        let put = json!({ "bucket": scene.bucket(), "items": [{ "key": "base64.bin", "data": data }] });
        scene.call("bucket_objects_put", &put).await.success();
        let stored = scene.dev.backend.aws.object_bytes(&scene.bucket(), "base64.bin");
        assert_eq!(stored.as_deref(), Some(bytes.as_slice()), "{data}");
    }
    for bad in ["*", "A", "data:text/plain,hello", "AAEC=AAEC"] {
        let put = json!({ "bucket": scene.bucket(), "items": [{ "key": "base64.bin", "data": bad }] });
        let answer = scene.call("bucket_objects_put", &put).await;
        let sentence = answer.failure("invalid_argument")["error"].as_str().unwrap().to_owned();
        assert!(sentence.contains("base64"), "{sentence}");
    }
}
