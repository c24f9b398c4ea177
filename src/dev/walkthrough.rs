//! The walkthrough that `quilt-mcp dev --verbose` prints: commands that can be pasted one by one, in this order.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::DevInfo;

/// Returns the walkthrough for a running backend.
#[must_use]
pub fn walkthrough(info: &DevInfo) -> String {
    let users = &info.users;
    let shared = &info.buckets.shared;
    let private = &info.buckets.private;
    let note = format!("s3://{shared}/notes/hello.txt");
    let write = json!({ "bucket": shared, "items": [{ "key": "notes/hello.txt", "text": "Hello from curl\n" }] });
    let steps: [(&str, Option<&str>, &str, Value); 8] = [
        (
            "Which tools are there? (no token needed)",
            None,
            "tools/list",
            json!({}),
        ),
        (
            "Who am I, and which credentials are used?",
            Some(&users.reader.token),
            "auth_status",
            json!({}),
        ),
        (
            "reader lists objects",
            Some(&users.reader.token),
            "bucket_objects_list",
            json!({ "bucket": shared }),
        ),
        (
            "writer uploads an object",
            Some(&users.writer.token),
            "bucket_objects_put",
            write.clone(),
        ),
        (
            "reader reads it",
            Some(&users.reader.token),
            "bucket_object_text",
            json!({ "s3_uri": note }),
        ),
        (
            "reader may not write: S3 denies it, and the answer explains why",
            Some(&users.reader.token),
            "bucket_objects_put",
            write,
        ),
        (
            "no user may access the private bucket",
            Some(&users.writer.token),
            "bucket_objects_list",
            json!({ "bucket": private }),
        ),
        ("without a token: 401", None, "bucket_list", json!({})),
    ];
    let mut text = String::new();
    for (number, (title, token, call, arguments)) in steps.iter().enumerate() {
        let request = if *call == "tools/list" {
            json!({ "jsonrpc": "2.0", "id": number, "method": call })
        } else {
            let params = json!({ "name": call, "arguments": arguments });
            json!({ "jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params })
        };
        let token = token
            .map(|token| format!(" -H 'Authorization: Bearer {token}'"))
            .unwrap_or_default();
        // Headers are shown only where the status matters; the other responses can be piped on as JSON.
        let show_headers = if token.is_empty() && *call != "tools/list" {
            " -i"
        } else {
            ""
        };
        let _ = writeln!(
            text,
            "# {title}\ncurl -sS{show_headers} {} -H 'Content-Type: application/json'{token} -d '{request}'\n",
            info.mcp_url
        );
    }
    text
}
