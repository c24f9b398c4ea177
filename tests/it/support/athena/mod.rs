//! Athena for tests: a `MiniStack`, which runs SQL by `DuckDB`, and a proxy before it that counts, fails, and answers in its place.
//!
//! `athena::wire::differences` names where `MiniStack` differs from Athena.

pub mod proxy;

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use quilt_mcp::catalog::http_client;
use serde_json::{Value, json};

use super::stage::Keys;
use super::tools;

/// The longest wait for its start.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// An Athena that speaks the protocol of AWS.
#[derive(Clone)]
pub struct AthenaEndpoint {
    pub url: String,
    /// Keys of an account of its own.
    pub keys: Keys,
}

/// The one `MiniStack` of this process. It ends when its standard input is closed, that is with this process.
static RUNNING: Mutex<Option<(String, Child)>> = Mutex::new(None);
/// Each test has an account of its own, which its access key names.
static ACCOUNTS: AtomicU32 = AtomicU32::new(1);

impl AthenaEndpoint {
    /// Returns a new account of `MiniStack`, with the workgroup `QuiltUserAthena-tests`.
    pub async fn ministack() -> Self {
        let url = tokio::task::spawn_blocking(running).await.unwrap();
        let number = ACCOUNTS.fetch_add(1, Ordering::Relaxed);
        let endpoint = Self {
            url,
            keys: account(number),
        };
        endpoint.create_bucket(&endpoint.results_bucket()).await;
        endpoint.create_workgroup("QuiltUserAthena-tests").await;
        endpoint
    }

    /// Returns the number of the account.
    pub fn account(&self) -> &str {
        &self.keys.access_key_id
    }

    fn results_bucket(&self) -> String {
        format!("athena-results-{}", self.account())
    }

    /// Creates a bucket, which `MiniStack` needs for results.
    async fn create_bucket(&self, name: &str) {
        let scope = format!("{}/20260101/us-east-1/s3/aws4_request", self.keys.access_key_id);
        let signature = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
        let http = http_client(Duration::from_secs(30)).unwrap();
        let request = http
            .put(format!("{}/{name}", self.url))
            .header("authorization", signature);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    pub async fn create_workgroup(&self, name: &str) {
        let configuration = json!({ "ResultConfiguration": { "OutputLocation": format!("s3://{}/tests/", self.results_bucket()) },
            "EnforceWorkGroupConfiguration": true, "BytesScannedCutoffPerQuery": 10_000_000 });
        let group = json!({ "Name": name, "Configuration": configuration });
        self.call("AmazonAthena.CreateWorkGroup", &group).await;
    }

    /// Creates a table of Glue.
    pub async fn create_table(&self, database: &str, table: &str, columns: &[(&str, &str)]) {
        self.call(
            "AWSGlue.CreateDatabase",
            &json!({ "DatabaseInput": { "Name": database } }),
        )
        .await;
        let columns: Vec<Value> = columns
            .iter()
            .map(|(name, kind)| json!({ "Name": name, "Type": kind }))
            .collect();
        let input = json!({ "Name": table, "TableType": "EXTERNAL_TABLE",
            "PartitionKeys": [{ "Name": "day", "Type": "string" }],
            "StorageDescriptor": { "Columns": columns, "Location": "s3://data/t/" } });
        self.call(
            "AWSGlue.CreateTable",
            &json!({ "DatabaseName": database, "TableInput": input }),
        )
        .await;
    }

    /// Calls an operation, and returns the answer.
    pub async fn call(&self, target: &str, body: &Value) -> Value {
        let service = if target.starts_with("AWSGlue") {
            "glue"
        } else {
            "athena"
        };
        let scope = format!("{}/20260101/us-east-1/{service}/aws4_request", self.keys.access_key_id);
        let signature = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
        let http = http_client(Duration::from_secs(30)).unwrap();
        let request = http
            .post(&self.url)
            .header("authorization", signature)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", target);
        let answer = request.body(body.to_string()).send().await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }
}

/// Returns the keys of an account.
pub fn account(number: u32) -> Keys {
    Keys {
        access_key_id: format!("{number:012}"),
        secret_access_key: "secret".to_owned(),
        session_token: Some("token".to_owned()),
    }
}

/// Returns the URL of the `MiniStack` of this process, and starts it if there is none.
fn running() -> String {
    let mut running = RUNNING.lock().unwrap();
    if let Some((url, _)) = running.as_ref() {
        return url.clone();
    }
    let mut command = tools::athena_script("ministack_peer.py").unwrap();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut port = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut port)
        .unwrap();
    let address = format!("127.0.0.1:{}", port.trim());
    let started = Instant::now();
    while TcpStream::connect(&address).is_err() {
        assert!(child.try_wait().unwrap().is_none(), "MiniStack has ended");
        assert!(started.elapsed() < START_TIMEOUT, "MiniStack does not listen");
        sleep(Duration::from_millis(50));
    }
    let url = format!("http://{address}");
    *running = Some((url.clone(), child));
    url
}
