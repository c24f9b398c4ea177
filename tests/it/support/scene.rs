//! A backend, and a server with a reader and a writer whose credentials the registry vends.

use serde_json::{Value, json};

use super::registry::{FakeRegistry, Vends};
use super::server::Server;
use super::stage::{Kind, SHARED, Stage};
use super::token;

/// Everything that a test of objects and packages needs.
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
        Self { stage, server, reader, writer }
    }

    pub async fn put(&self, items: Value) -> Value {
        let answer = self.server.call(&self.writer, "bucket_objects_put", json!({ "bucket": SHARED, "items": items }));
        answer.await.success().clone()
    }

    pub fn is_embedded(&self) -> bool {
        matches!(self.stage.kind, Kind::Embedded(_))
    }
}

/// Each test twice: on the embedded S3, and on SeaweedFS.
macro_rules! on_both {
    ($($(#[$doc:meta])* async fn $name:ident($scene:ident) $body:block)+) => {
        mod embedded {
            use super::*;
            $(#[tokio::test] async fn $name() { super::$name(Scene::on(Stage::embedded().await).await).await })+
        }
        mod seaweedfs {
            use super::*;
            $(#[tokio::test] async fn $name() { super::$name(Scene::on(Stage::seaweedfs().await).await).await })+
        }
        $($(#[$doc])* async fn $name($scene: Scene) $body)+
    };
}
pub(crate) use on_both;
