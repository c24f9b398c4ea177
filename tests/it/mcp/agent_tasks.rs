//! Everyday questions, asked as a model asks them: fixed calls of `dev`, with the number of calls and the tokens that the model
//! writes and reads.
//!
//! The table of docs/agents.md has the figures. `UPDATE_DOCS=1` writes those of this server anew, and
//! `EARLIER_SERVER=DIR/dev.json` those of `dev` of a server before the tools for these questions, which is asked the same with
//! the calls that it needs.

use std::collections::BTreeMap;
use std::path::Path;

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::support::on_dev::OnDev;
use crate::support::server::Server;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/agents.md");
const BEGIN: &str = "<!-- tests/it/mcp/agent_tasks.rs -->\n\n";
const END: &str = "\n<!-- end -->";
/// Share by which tokens may differ from those in the table, since hashes and times do.
const TOLERANCE: f64 = 0.15;

/// The questions, by their place in the table.
const QUESTIONS: [&str; 15] = [
    "Which 3 of 2,003 objects have `barcode` in their names?",
    "How many objects and bytes lie below a prefix (1,200)?",
    "In which line of a log of 700 kB stands `ERROR 4711`?",
    "What changed in the metadata between two revisions?",
    "Which entry of a package of 150 uses this object?",
    "A new revision with one more file: which keys, which metadata now?",
    "A package of files in folders, with the folders",
    "A copy of a package of 150 entries under another name",
    "The package as it was one revision ago, as its latest",
    "Who wrote which revision, why, with how many files?",
    "Is there a package with this metadata?",
    "A write was denied: what can I do?",
    "Write a file; what is its checksum?",
    "Columns and first rows of a CSV file of 400 kB",
    "The list of tools",
];

/// A model with its tools.
struct Model<'a> {
    server: &'a Server,
    token: String,
    bucket: String,
    calls: usize,
    tokens: usize,
}

fn tokens_of(text: &str) -> usize {
    tiktoken_rs::o200k_base_singleton().encode_ordinary(text).len()
}

impl Model<'_> {
    /// Calls a tool. Returns its result, which may be a failure.
    async fn tries(&mut self, tool: &str, arguments: Value) -> Value {
        // The answers of an earlier server may be longer than those of this one.
        let params = json!({ "name": tool, "arguments": arguments });
        let answer = self.server.rpc(Some(&self.token), "tools/call", params).await;
        let text = answer.body["result"]["content"][0]["text"].as_str();
        let text = text.unwrap_or_else(|| panic!("{tool}: {}", answer.body));
        self.calls += 1;
        self.tokens += tokens_of(&arguments.to_string()) + tokens_of(text);
        answer.output().clone()
    }

    async fn asks(&mut self, tool: &str, arguments: Value) -> Value {
        let output = self.tries(tool, arguments).await;
        assert_eq!(output["success"], true, "{tool}: {output}");
        output
    }

    fn uri(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    fn package(&self, name: &str, more: &Value) -> Value {
        let mut arguments = json!({ "bucket": self.bucket, "name": name });
        arguments
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        arguments
    }

    /// Reads all pages of a list.
    async fn pages(&mut self, tool: &str, mut arguments: Value, list: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        loop {
            let page = self.asks(tool, arguments.clone()).await;
            rows.extend(page[list].as_array().unwrap().iter().cloned());
            let (argument, next) = match &page["next_continuation_token"] {
                Value::Null => ("cursor", &page["next_cursor"]),
                token => ("continuation_token", token),
            };
            if next.is_null() {
                return rows;
            }
            arguments[argument] = next.clone();
        }
    }

    async fn answers(&mut self, question: usize) {
        let bucket = self.bucket.clone();
        match question {
            0 => {
                let search = json!({ "kind": "objects", "filters": { "key": "*barcode*" } });
                assert_eq!(self.asks("search_catalog", search).await["total"], 3);
            }
            1 => {
                let summary = json!({ "bucket": bucket, "prefix": "raw/" });
                assert_eq!(self.asks("bucket_objects_summary", summary).await["objects"], 1200);
            }
            2 => {
                let find = json!({ "bucket": bucket, "key": "logs/run.log", "find": "ERROR 4711" });
                assert_eq!(self.asks("bucket_object_text", find).await["matches"][0]["line"], 9001);
            }
            3 => {
                let diff = self.package("survey/big", &json!({ "hash": "latest~1", "other_hash": "latest" }));
                let diff = self.asks("package_diff", diff).await;
                assert!(diff["metadata"].to_string().contains("depth"), "{diff}");
            }
            4 => {
                let uses = self.package("survey/big", &json!({ "uses": self.uri("raw/3/0127.csv") }));
                let found = self.asks("package_browse", uses).await;
                assert_eq!(found["entries"].as_array().unwrap().len(), 1, "{found}");
            }
            5 => {
                let add = json!({ "add": [{ "s3_uri": self.uri("tables/stations.csv"), "logical_key": "stations.csv" }],
                    "metadata": { "depth": 12 }, "message": "stations" });
                let updated = self.asks("package_update", self.package("survey/small", &add)).await;
                assert_eq!(updated["metadata"]["depth"], 12, "{updated}");
            }
            6 => {
                let files = [self.uri("raw/0/0000.csv"), self.uri("raw/1/0001.csv")];
                let create = self.package("made/folders", &json!({ "files": files, "message": "folders" }));
                let created = self.asks("package_create", create).await;
                assert_eq!(created["entries"], json!(["0/0000.csv", "1/0001.csv"]), "{created}");
            }
            7 => {
                let copy = self.package("survey/big", &json!({ "dest_name": "made/copy" }));
                self.asks("package_copy", copy).await;
            }
            8 => {
                let back = self.package("survey/big", &json!({ "hash": "latest~1" }));
                self.asks("package_rollback", back).await;
            }
            9 => {
                let versions = self
                    .asks("package_versions", self.package("survey/big", &json!({})))
                    .await;
                assert!(versions.to_string().contains("deeper"), "{versions}");
            }
            10 => {
                let search = json!({ "metadata": [{ "path": "/depth", "min": 12 }] });
                assert_eq!(self.asks("search_catalog", search).await["total"], 1);
            }
            11 => {
                let items = json!([{ "key": "x.txt", "text": "x" }]);
                let private = self.private();
                let denied = self
                    .tries("bucket_objects_put", json!({ "bucket": private, "items": items }))
                    .await;
                assert_eq!(denied["success"], false);
                self.asks("permissions_recommendations", json!({})).await;
            }
            12 => {
                let items = json!([{ "key": "made/sum.txt", "text": "abc" }]);
                let put = self
                    .asks("bucket_objects_put", json!({ "bucket": bucket, "items": items }))
                    .await;
                assert!(put["results"][0]["checksums"]["SHA256"].is_string(), "{put}");
            }
            13 => {
                let preview = json!({ "bucket": bucket, "key": "tables/stations.csv" });
                let preview = self.asks("bucket_object_preview", preview).await;
                assert!(preview["columns"].to_string().contains("salinity"), "{preview}");
            }
            _ => self.lists().await,
        }
    }

    /// What the same questions took before there were tools for them.
    async fn answered_before(&mut self, question: usize) {
        let bucket = self.bucket.clone();
        let listing = |prefix: &str| json!({ "bucket": bucket, "prefix": prefix, "max_keys": 1000 });
        match question {
            0 => {
                let rows = self.pages("bucket_objects_list", listing("runs/"), "objects").await;
                let has_name = |row: &&Value| row["key"].as_str().unwrap().contains("barcode");
                assert_eq!(rows.iter().filter(has_name).count(), 3);
            }
            1 => {
                let rows = self.pages("bucket_objects_list", listing("raw/"), "objects").await;
                assert_eq!(rows.len(), 1200);
            }
            2 => {
                let mut offset = 0;
                loop {
                    let read = json!({ "s3_uri": self.uri("logs/run.log"), "max_bytes": 65_536, "offset": offset });
                    let read = self.asks("bucket_object_text", read).await;
                    if read["text"].as_str().unwrap().contains("ERROR 4711") {
                        break;
                    }
                    offset += read["bytes_read"].as_u64().unwrap_or(65_536);
                }
            }
            3 => {
                let versions = self
                    .asks("package_versions", self.package("survey/big", &json!({})))
                    .await;
                let hashes = hashes(&versions);
                let diff = self.package("survey/big", &json!({ "hash": hashes[0], "other_hash": hashes[1] }));
                self.asks("package_diff", diff).await;
                for hash in hashes.iter().take(2) {
                    self.asks("package_browse", self.package("survey/big", &json!({ "hash": hash })))
                        .await;
                }
            }
            4 => {
                let browse = self.package("survey/big", &json!({ "recursive": true }));
                let entries = self.pages("package_browse", browse, "entries").await;
                assert_eq!(entries.len(), 150);
            }
            5 => {
                let add = json!({ "add": [{ "s3_uri": self.uri("tables/stations.csv"), "logical_key": "stations.csv" }],
                    "metadata": { "depth": 12 }, "message": "stations" });
                self.asks("package_update", self.package("survey/small", &add)).await;
                self.asks("package_browse", self.package("survey/small", &json!({})))
                    .await;
            }
            6 => self.folders_before().await,
            7 | 8 => self.copied_before(question == 8).await,
            9 => {
                let versions = self
                    .asks("package_versions", self.package("survey/big", &json!({})))
                    .await;
                for hash in hashes(&versions) {
                    self.asks(
                        "package_browse",
                        self.package("survey/big", &json!({ "hash": hash, "limit": 1 })),
                    )
                    .await;
                }
            }
            10 => {
                let packages = self
                    .pages("package_list", json!({ "bucket": bucket }), "packages")
                    .await;
                for package in packages {
                    let name = package["name"].as_str().unwrap();
                    self.asks("package_browse", self.package(name, &json!({ "limit": 1 })))
                        .await;
                }
            }
            11 => {
                let items = json!([{ "key": "x.txt", "text": "x" }]);
                let private = self.private();
                self.tries("bucket_objects_put", json!({ "bucket": private, "items": items }))
                    .await;
                self.asks("permissions_recommendations", json!({})).await;
                self.asks("permissions_discover", json!({ "check_buckets": [private] }))
                    .await;
            }
            12 => {
                let items = json!([{ "key": "made/sum.txt", "text": "abc" }]);
                self.asks("bucket_objects_put", json!({ "bucket": bucket, "items": items }))
                    .await;
                self.asks("bucket_object_info", json!({ "s3_uri": self.uri("made/sum.txt") }))
                    .await;
            }
            13 => {
                self.asks(
                    "bucket_object_text",
                    json!({ "s3_uri": self.uri("tables/stations.csv") }),
                )
                .await;
            }
            _ => self.lists().await,
        }
    }

    /// Sees that folders were dropped, and makes the package again.
    async fn folders_before(&mut self) {
        let files = [self.uri("raw/0/0000.csv"), self.uri("raw/1/0001.csv")];
        let create = self.package("made/folders", &json!({ "files": files, "message": "folders" }));
        self.asks("package_create", create.clone()).await;
        let browse = self.package("made/folders", &json!({ "recursive": true }));
        self.asks("package_browse", browse.clone()).await;
        let mut again = create;
        again["flatten"] = false.into();
        again["overwrite"] = true.into();
        self.asks("package_create", again).await;
    }

    /// Makes the large package again, or its revision before, entry by entry.
    async fn copied_before(&mut self, is_rollback: bool) {
        let name = if is_rollback { "survey/big" } else { "made/copy" };
        let mut browse = self.package("survey/big", &json!({ "recursive": true }));
        if is_rollback {
            let versions = self
                .asks("package_versions", self.package("survey/big", &json!({})))
                .await;
            browse["hash"] = hashes(&versions)[1].clone().into();
        }
        let entries = self.pages("package_browse", browse, "entries").await;
        let file = |entry: &Value| {
            let uri = entry.get("s3_uri").or(entry.get("physical_key")).unwrap();
            json!({ "s3_uri": uri, "logical_key": entry["logical_key"], "meta": { "n": 1 } })
        };
        let files: Vec<Value> = entries.iter().map(file).collect();
        let create = json!({ "files": files, "metadata": { "depth": 5, "organism": "Oithona" }, "message": "copy",
                    "flatten": false, "overwrite": true });
        self.asks("package_create", self.package(name, &create)).await;
    }

    fn private(&self) -> String {
        self.bucket.replace("shared", "private")
    }

    async fn lists(&mut self) {
        let list = self.server.rpc(Some(&self.token), "tools/list", json!({})).await;
        let of_model = |tool: &Value| json!([tool["name"], tool["description"], tool["inputSchema"]]);
        let tools: Vec<Value> = list.body["result"]["tools"]
            .as_array()
            .unwrap()
            .iter()
            .map(of_model)
            .collect();
        self.calls += 1;
        self.tokens += tokens_of(&Value::from(tools).to_string());
    }
}

fn hashes(versions: &Value) -> Vec<String> {
    let rows = versions["versions"].as_array().unwrap();
    rows.iter()
        .map(|row| row["hash"].as_str().unwrap().to_owned())
        .collect()
}

/// The objects that the questions are about.
fn world() -> Vec<(String, String)> {
    let runs = (0..2000).map(|n| (format!("runs/2026-{n:04}/reads.txt"), "x".to_owned()));
    let named = (0..3).map(|n| (format!("runs/2026-{n:04}/lane_barcode.txt"), "x".to_owned()));
    let raw = (0..1200).map(|n| (format!("raw/{}/{n:04}.csv", n % 4), format!("n\n{n}\n")));
    let line = |n: usize| match n {
        9000 => "ERROR 4711 pump stopped\n".to_owned(),
        _ => format!("pressure of the pump at {} kPa is within its limits\n", 100 + n % 7),
    };
    let log = ("logs/run.log".to_owned(), (0..13_000).map(line).collect());
    let row = |n: usize| format!("station-{n},{}.5,{}.25,2026-03-{:02}\n", n % 90, n % 40, n % 28 + 1);
    let table = "station,latitude,salinity,day\n".to_owned() + &(0..12_000).map(row).collect::<String>();
    let table = ("tables/stations.csv".to_owned(), table);
    runs.chain(named).chain(raw).chain([log, table]).collect()
}

/// Makes the packages that the questions are about.
async fn make_packages(model: &mut Model<'_>) {
    let file = |n: usize| {
        let key = format!("raw/{}/{n:04}.csv", n % 4);
        json!({ "s3_uri": model.uri(&key), "logical_key": key, "meta": { "n": n } })
    };
    let files: Vec<Value> = (0..150).map(file).collect();
    let metadata = json!({ "depth": 5, "organism": "Oithona" });
    let big = json!({ "files": files, "metadata": metadata, "message": "first", "flatten": false });
    model.asks("package_create", model.package("survey/big", &big)).await;
    let deeper = json!({ "metadata": { "depth": 9 }, "message": "deeper" });
    model.asks("package_update", model.package("survey/big", &deeper)).await;
    for n in 0..8 {
        let small =
            json!({ "files": [model.uri("raw/0/0000.csv")], "metadata": { "organism": "Calanus" }, "message": "one" });
        let name = if n == 0 {
            "survey/small".to_owned()
        } else {
            format!("survey/small-{n}")
        };
        model.asks("package_create", model.package(&name, &small)).await;
    }
}

/// Calls and tokens of each question.
type Costs = BTreeMap<usize, (usize, usize)>;

async fn costs(model: &mut Model<'_>, is_earlier: bool) -> Costs {
    make_packages(model).await;
    let mut costs = Costs::new();
    for question in 0..QUESTIONS.len() {
        (model.calls, model.tokens) = (0, 0);
        if is_earlier {
            model.answered_before(question).await;
        } else {
            model.answers(question).await;
        }
        costs.insert(question, (model.calls, model.tokens));
    }
    costs
}

/// Reads the table: before and now.
fn read_table(text: &str) -> (Costs, Costs) {
    let (_, rest) = text.split_once(BEGIN).unwrap();
    let (table, _) = rest.split_once(END).unwrap();
    let (mut before, mut now) = (Costs::new(), Costs::new());
    for row in table.lines().skip(2) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let question = QUESTIONS.iter().position(|question| *question == cells[0]).unwrap();
        let number = |cell: &str| cell.replace(',', "").parse().unwrap();
        before.insert(question, (number(cells[1]), number(cells[2])));
        now.insert(question, (number(cells[3]), number(cells[4])));
    }
    (before, now)
}

fn write_table(text: &str, before: &Costs, now: &Costs) -> String {
    let (head, rest) = text.split_once(BEGIN).unwrap();
    let (_, tail) = rest.split_once(END).unwrap();
    let grouped = |number: usize| match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", number / 1000, number % 1000),
    };
    let rows = QUESTIONS.iter().enumerate().map(|(place, question)| {
        let cells = |costs: &Costs| {
            let (calls, tokens) = costs.get(&place).copied().unwrap_or_default();
            format!("{calls} | {}", grouped(tokens))
        };
        format!("| {question} | {} | {} |\n", cells(before), cells(now))
    });
    let rows: String = rows.collect();
    let table = format!("| question | calls before | tokens before | calls | tokens |\n|---|---|---|---|---|\n{rows}");
    format!("{head}{BEGIN}{table}{END}{tail}")
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "not settings of the server")]
async fn everyday_questions_take_few_calls_and_tokens() {
    let text = std::fs::read_to_string(PAGE).unwrap();
    let (before, recorded) = read_table(&text);
    if let Some(earlier) = std::env::var_os("EARLIER_SERVER") {
        let before = ask_earlier(Path::new(&earlier)).await;
        std::fs::write(PAGE, write_table(&text, &before, &recorded)).unwrap();
        return;
    }
    let on_dev = OnDev::new().await;
    for (key, text) in world() {
        on_dev
            .dev
            .backend
            .aws
            .put_object(&on_dev.bucket(), &key, text, None, &[])
            .unwrap();
    }
    let mut model = Model {
        server: &on_dev.server,
        token: on_dev.dev.backend.info.users.writer.token.clone(),
        bucket: on_dev.bucket(),
        calls: 0,
        tokens: 0,
    };
    let now = costs(&mut model, false).await;
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, write_table(&text, &before, &now)).unwrap();
        return;
    }
    for (place, question) in QUESTIONS.iter().enumerate() {
        let ((calls, tokens), (wanted_calls, wanted_tokens)) = (now[&place], recorded[&place]);
        assert_eq!(calls, wanted_calls, "calls of: {question}");
        let ratio = f64::from(u32::try_from(tokens).unwrap()) / f64::from(u32::try_from(wanted_tokens).unwrap());
        assert!(
            (ratio - 1.0).abs() < TOLERANCE,
            "{question} {tokens} tokens, and {wanted_tokens} in {PAGE}"
        );
        assert!(calls <= before[&place].0 && calls <= 2, "{question} {calls} calls");
    }
}

/// Asks a `dev` of an earlier version, of which this is the `dev.json`.
async fn ask_earlier(info: &Path) -> Costs {
    let info: Value = serde_json::from_str(&std::fs::read_to_string(info).unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let bucket = text(&info["buckets"]["shared"]);
    let admin = &info["users"]["admin"];
    let keys = aws_credential_types::Credentials::new(
        text(&admin["access_key_id"]),
        text(&admin["secret_access_key"]),
        None,
        None,
        "test",
    );
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
        .region(aws_sdk_s3::config::Region::new("us-east-1"))
        .endpoint_url(text(&info["s3_endpoint"]))
        .force_path_style(true)
        .credentials_provider(keys);
    let s3 = aws_sdk_s3::Client::from_conf(config.build());
    let puts = world().into_iter().map(|(key, text)| {
        let put = s3.put_object().bucket(&bucket).key(key).body(text.into_bytes().into());
        async move { put.send().await.unwrap() }
    });
    let puts: Vec<_> = puts.collect();
    stream::iter(puts).buffer_unordered(32).collect::<Vec<_>>().await;
    let server = Server::at(text(&info["mcp_url"]));
    let mut model = Model {
        server: &server,
        token: text(&info["users"]["writer"]["token"]),
        bucket: bucket.clone(),
        calls: 0,
        tokens: 0,
    };
    costs(&mut model, true).await
}
