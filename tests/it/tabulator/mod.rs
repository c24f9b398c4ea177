//! The toolset `tabulator`, on the development registry and on a registry whose documents graphql-core validates and executes.

mod create;
mod list;
mod rename_delete;
mod schemas;

use serde_json::{Value, json};

use crate::account::OnDev;

/// A configuration in YAML whose expressions match the packages `lab/…` and their CSV files.
const CONFIG: &str = r#"schema:
  - name: sample
    type: STRING
  - name: tpm
    type: FLOAT
source:
  type: quilt-packages
  package_name: "^lab/(?<run>[^/]+)$"
  logical_key: "(?<part>[^/]+)\\.csv$"
parser:
  format: csv
  delimiter: "\t"
  header: true
"#;

/// The same in arguments.
fn parts() -> Value {
    json!({
        "schema": ["sample STRING", "tpm float"],
        "package_name": "^lab/(?<run>[^/]+)$", "logical_key": "(?<part>[^/]+)\\.csv$",
        "format": "csv", "delimiter": "\t", "header": true,
    })
}

fn with(mut arguments: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("{more}") };
    arguments.as_object_mut().unwrap().extend(more);
    arguments
}

/// Returns the tables that the registry has of the shared bucket.
fn stored(scene: &OnDev) -> Vec<(String, String)> {
    scene.dev.backend.tabulator.tables(&scene.bucket())
}

/// Makes packages of these names, each of these logical keys.
async fn make_packages(scene: &OnDev, names: &[&str], keys: &[&str]) {
    let bucket = scene.bucket();
    let items: Vec<Value> = keys
        .iter()
        .map(|key| json!({ "key": format!("tabulator/{key}"), "text": key }))
        .collect();
    let put = json!({ "bucket": bucket, "items": items });
    scene.call("bucket_objects_put", put).await.success();
    for name in names {
        let files: Vec<Value> = keys
            .iter()
            .map(|key| json!({ "s3_uri": format!("s3://{bucket}/tabulator/{key}"), "logical_key": key }))
            .collect();
        let create = json!({ "bucket": bucket, "name": name, "files": files });
        scene.call("package_create", create).await.success();
    }
}
