//! Athena over a real socket, with requests that the signer of the AWS SDK signs.

mod queries;
mod rights;
mod sql;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Stage, allow, stage};
use crate::{AccessKey, Cell, Column, DataCatalog, ObjectRef, SessionKeys, Table, TableSource, Workgroup};

/// Two tables of ten and three rows over objects of the bucket `data`, one over an object of the bucket `other`, and one in
/// a catalog with a function.
struct Tables;

fn table(name: &str, columns: &[(&str, &str)]) -> Table {
    Table {
        name: name.to_owned(),
        table_type: "EXTERNAL_TABLE",
        columns: columns
            .iter()
            .map(|(name, data_type)| Column::new(*name, *data_type))
            .collect(),
    }
}

impl TableSource for Tables {
    fn catalogs(&self) -> Vec<DataCatalog> {
        let function = "arn:aws:lambda:us-east-1:123456789012:function:tables";
        [("AwsDataCatalog", None), ("lambda-tables", Some(function.to_owned()))]
            .map(|(name, function_arn)| DataCatalog {
                name: name.to_owned(),
                function_arn,
            })
            .to_vec()
    }

    fn databases(&self, catalog: &str) -> Vec<String> {
        let names: &[&str] = if catalog == "lambda-tables" {
            &["data", "other"]
        } else {
            &["db", "my-db"]
        };
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn tables(&self, catalog: &str, database: &str) -> Vec<Table> {
        let numbers = [
            ("n", "bigint"),
            ("word", "varchar"),
            ("even", "boolean"),
            ("half", "double"),
        ];
        match (catalog, database) {
            ("AwsDataCatalog", "db") => vec![
                table("numbers", &numbers),
                table("foreign", &[("x", "varchar")]),
                table("hashes", &[("pair", "row(type varchar,value varchar)")]),
            ],
            ("AwsDataCatalog", _) => vec![table("meta-data", &[("n", "bigint"), ("meta", "varchar")])],
            _ => vec![table("rows", &[("$x", "varchar"), ("day", "date")])],
        }
    }

    fn listed_bucket(&self, catalog: &str, database: &str) -> Option<String> {
        (catalog == "lambda-tables").then(|| database.to_owned())
    }

    fn objects(&self, _: &str, database: &str, table: &Table) -> Vec<ObjectRef> {
        let bucket = if database == "other" || table.name == "foreign" {
            "other"
        } else {
            "data"
        };
        vec![ObjectRef {
            bucket: bucket.to_owned(),
            key: format!("tables/{}", table.name),
            version_id: None,
            size: 1000,
        }]
    }

    fn rows(
        &self,
        _: &str,
        _: &str,
        table: &Table,
        sink: &mut dyn FnMut(Vec<Cell>) -> ControlFlow<()>,
    ) -> Result<(), String> {
        let meta = [
            r#"{"user_meta":{"version":"1.3.1","cells":["4","5"],"n":7}}"#,
            r#"{"user_meta":{"version":"2.0","cells":["5"],"ok":true}}"#,
            "{}",
        ];
        let rows: Vec<Vec<Cell>> = match table.name.as_str() {
            "numbers" => (0..10_u64)
                .map(|n| {
                    let text = Some(format!("word {n}")).filter(|_| n != 3);
                    let half = Cell::Real(f64::from(u32::try_from(n).unwrap()) / 2.0);
                    vec![n.into(), text.into(), (1 - n % 2).into(), half]
                })
                .collect(),
            "meta-data" => (0..)
                .zip(meta)
                .map(|(n, meta)| vec![Cell::Integer(n), meta.into()])
                .collect(),
            "foreign" => vec![vec!["secret".into()]],
            "hashes" => vec![vec!["{type=a, value=b}".into()]],
            _ => vec![
                vec!["a,b".into(), "2026-01-31".into()],
                vec![Cell::Null, "2026-02-01".into()],
            ],
        };
        let _ = rows.into_iter().try_for_each(sink);
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "requests are signed with the system time")]
fn system_time() -> SystemTime {
    SystemTime::now()
}

/// A caller's keys.
#[derive(Clone)]
struct Keys(String, String, Option<String>);

impl From<AccessKey> for Keys {
    fn from(key: AccessKey) -> Self {
        Self(
            key.access_key_id,
            key.secret_access_key.expose_secret().to_owned(),
            None,
        )
    }
}

impl From<SessionKeys> for Keys {
    fn from(keys: SessionKeys) -> Self {
        let token = keys.session_token.expose_secret().to_owned();
        Self(
            keys.access_key_id,
            keys.secret_access_key.expose_secret().to_owned(),
            Some(token),
        )
    }
}

/// A stage with workgroups and tables, and a caller who may do all.
struct Athena {
    stage: Stage,
    admin: Keys,
}

async fn athena() -> Athena {
    let stage = stage().await;
    stage.aws.create_bucket("other", None, false);
    for (name, output_location) in [("team", Some("s3://results/team/")), ("primary", None)] {
        stage.aws.put_workgroup(Workgroup {
            name: name.to_owned(),
            output_location: output_location.map(str::to_owned),
            ..Workgroup::default()
        });
    }
    stage.aws.set_tables(Arc::new(Tables));
    let admin = stage.aws.create_user("admin", &[allow(&["*"])]).unwrap().into();
    Athena { stage, admin }
}

impl Athena {
    /// Calls an operation and returns status and body.
    async fn send(&self, keys: &Keys, operation: &str, input: Value) -> (u16, Value) {
        self.send_for(keys, "athena", operation, input).await
    }

    async fn send_for(&self, keys: &Keys, service: &str, operation: &str, input: Value) -> (u16, Value) {
        let credentials = Credentials::new(&keys.0, &keys.1, keys.2.clone(), None, "test").into();
        let host = self.stage.endpoint.strip_prefix("http://").unwrap();
        let params = v4::SigningParams::builder()
            .identity(&credentials)
            .region("us-east-1")
            .name(service)
            .time(system_time())
            .settings(SigningSettings::default())
            .build()
            .unwrap();
        let body = input.to_string();
        let target = format!("AmazonAthena.{operation}");
        let headers = [
            ("host", host),
            ("x-amz-target", &target),
            ("content-type", "application/x-amz-json-1.1"),
        ];
        let uri = format!("{}/", self.stage.endpoint);
        let signable = SignableRequest::new("POST", uri, headers.into_iter(), SignableBody::Bytes(body.as_bytes()));
        let (instructions, _) = sign(signable.unwrap(), &params.into()).unwrap().into_parts();
        let (signed, _) = instructions.into_parts();
        let mut request = format!(
            "POST / HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n",
            body.len()
        );
        let signed = signed.iter().map(|header| (header.name(), header.value()));
        for (name, value) in headers.into_iter().chain(signed) {
            request.extend([name, ": ", value, "\r\n"]);
        }
        let mut stream = TcpStream::connect(host).await.unwrap();
        stream
            .write_all(format!("{request}\r\n{body}").as_bytes())
            .await
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap())
    }

    /// Calls an operation as the admin, which succeeds.
    async fn call(&self, operation: &str, input: Value) -> Value {
        let (status, body) = self.send(&self.admin, operation, input).await;
        assert_eq!(status, 200, "{operation}: {body}");
        body
    }

    /// Calls an operation as the admin, which fails with this code, and returns the message.
    async fn fails(&self, operation: &str, input: Value, code: &str) -> String {
        let (status, body) = self.send(&self.admin, operation, input).await;
        assert_eq!(
            (status, body["__type"].as_str()),
            (400, Some(code)),
            "{operation}: {body}"
        );
        body["Message"].as_str().unwrap().to_owned()
    }

    /// Starts a query in `db`.
    async fn start(&self, keys: &Keys, sql: &str) -> String {
        let context = json!({ "Catalog": "AwsDataCatalog", "Database": "db" });
        let input = json!({ "QueryString": sql, "WorkGroup": "team", "QueryExecutionContext": context });
        let (status, body) = self.send(keys, "StartQueryExecution", input).await;
        assert_eq!(status, 200, "{sql}: {body}");
        body["QueryExecutionId"].as_str().unwrap().to_owned()
    }

    async fn execution(&self, id: &str) -> Value {
        let answer = self.call("GetQueryExecution", json!({ "QueryExecutionId": id })).await;
        answer["QueryExecution"].clone()
    }

    /// Waits until a query has this state, or any that is final.
    async fn wait(&self, id: &str, state: &str) -> Value {
        loop {
            let execution = self.execution(id).await;
            let now = execution["Status"]["State"].as_str().unwrap();
            if now == state || !matches!(now, "QUEUED" | "RUNNING") {
                return execution;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Runs a query and returns its rows as text, the header first.
    async fn rows(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let id = self.start(&self.admin, sql).await;
        let execution = self.wait(&id, "").await;
        assert_eq!(execution["Status"]["State"], "SUCCEEDED", "{sql}: {execution}");
        rows_of(&self.call("GetQueryResults", json!({ "QueryExecutionId": id })).await)
    }

    /// Runs a query, which fails, and returns the reason.
    async fn reason(&self, keys: &Keys, sql: &str) -> String {
        let id = self.start(keys, sql).await;
        let execution = self.wait(&id, "").await;
        assert_eq!(execution["Status"]["State"], "FAILED", "{sql}: {execution}");
        let reason = execution["Status"]["StateChangeReason"].as_str().unwrap().to_owned();
        assert_eq!(execution["Status"]["AthenaError"]["ErrorMessage"], reason.as_str());
        reason
    }
}

fn rows_of(results: &Value) -> Vec<Vec<Option<String>>> {
    let cells = |row: &Value| {
        let cells = row["Data"].as_array().unwrap().iter();
        cells
            .map(|cell| cell["VarCharValue"].as_str().map(str::to_owned))
            .collect()
    };
    results["ResultSet"]["Rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(cells)
        .collect()
}
