//! A stage, and a server with a reader and a writer whose credentials the registry vends.

use serde_json::{Value, json};

use super::registry::{FakeRegistry, Vends};
use super::server::Server;
use super::stage::{Kind, SHARED, Stage};
use super::token;

/// A stage, a server, and the tokens of a reader and a writer.
pub struct Scene {
    pub stage: Stage,
    pub server: Server,
    pub reader: String,
    pub writer: String,
}

impl Scene {
    pub async fn on(stage: Stage) -> Self {
        let registry = FakeRegistry::start().await;
        let (reader, writer) = (token(json!({ "sub": "reader" })), token(json!({ "sub": "writer" })));
        registry.vends(&reader, Vends::Keys(stage.reader.clone(), 3600));
        registry.vends(&writer, Vends::Keys(stage.writer.clone(), 3600));
        let server = Server::with_registry(&stage, &registry, None).await;
        Self {
            stage,
            server,
            reader,
            writer,
        }
    }

    pub async fn put(&self, items: Value) -> Value {
        let answer = self.server.call(
            &self.writer,
            "bucket_objects_put",
            json!({ "bucket": SHARED, "items": items }),
        );
        answer.await.success().clone()
    }

    /// Calls a tool as the writer and returns its result. The bucket is the shared one unless the arguments name another.
    pub async fn write(&self, tool: &str, arguments: Value) -> Value {
        self.server
            .call(&self.writer, tool, in_shared(arguments))
            .await
            .success()
            .clone()
    }

    /// Calls a tool as the writer, which must fail with this code, and returns the failure.
    pub async fn fails(&self, tool: &str, arguments: Value, code: &str) -> Value {
        self.server
            .call(&self.writer, tool, in_shared(arguments))
            .await
            .failure(code)
            .clone()
    }

    /// Calls a tool as the reader and returns its result.
    pub async fn read(&self, tool: &str, arguments: Value) -> Value {
        self.server
            .call(&self.reader, tool, in_shared(arguments))
            .await
            .success()
            .clone()
    }

    /// As [`Self::fails`], and asserts that the call wrote nothing and that the message is one sentence.
    pub async fn refuses(&self, tool: &str, arguments: Value, code: &str) -> Value {
        let before = self.stage.written(SHARED).await;
        let shown = arguments.to_string();
        let refusal = self.fails(tool, arguments, code).await;
        assert_eq!(
            self.stage.written(SHARED).await,
            before,
            "{tool} {shown} was refused and wrote something"
        );
        let sentence = refusal["error"].as_str().unwrap();
        assert!(
            sentence.ends_with('.') && !sentence.contains('\n'),
            "{tool} {shown}: {sentence}"
        );
        refusal
    }

    pub fn is_embedded(&self) -> bool {
        matches!(self.stage.kind, Kind::Embedded(_))
    }
}

fn in_shared(mut arguments: Value) -> Value {
    arguments
        .as_object_mut()
        .unwrap()
        .entry("bucket")
        .or_insert_with(|| SHARED.into());
    arguments
}

/// Returns the logical keys of a page of a package, or of the result of a write.
pub fn keys(output: &Value) -> Vec<&str> {
    output["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry.get("logical_key").unwrap_or(entry).as_str().unwrap())
        .collect()
}

/// Returns the URI of a key of the shared bucket that needs no encoding.
pub fn uri(key: &str) -> String {
    format!("s3://{SHARED}/{key}")
}
