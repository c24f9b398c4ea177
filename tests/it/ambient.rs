//! The server's own credentials: who may use them for what, when callers bring no token.

use serde_json::json;

use crate::support::SECRET;
use crate::support::server::Server;
use crate::support::stage::{SHARED, Stage};

/// The Python server wrote with its task role for calls that brought no token at all.
#[tokio::test]
async fn a_call_without_a_token_never_acts_as_the_server() {
    let stage = Stage::embedded().await;
    for flags in
        [vec!["--ambient=full".to_owned()], vec!["--ambient=full".to_owned(), format!("--jwt-secret={SECRET}")]]
    {
        let server = Server::start(&stage, Some(&stage.admin), &flags).await;
        let items = json!([{ "key": "anonymous", "text": "x" }]);
        let arguments = json!({ "bucket": SHARED, "items": items });
        let answer =
            server.rpc(None, "tools/call", json!({ "name": "bucket_objects_put", "arguments": arguments })).await;
        assert_eq!(answer.refused(), (401, "missing_jwt"));
    }
    assert!(stage.aws().journal().is_empty());
}
