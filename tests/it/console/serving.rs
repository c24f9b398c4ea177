//! Who gets the page, with which headers, and its files.

use serde_json::json;

use crate::support::SECRET;
use crate::support::on_dev::OnDev;
use crate::support::server::{Answer, Server};

const BROWSER: (&str, &str) = (
    "accept",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
);
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

async fn server(flags: &[&str]) -> Server {
    let mut all = vec![format!("--jwt-secret={SECRET}")];
    all.extend(flags.iter().map(|flag| (*flag).to_owned()));
    Server::start_with(None, &all).await
}

/// Returns the value of a header.
fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// Returns the paths of the style and the script that a page loads.
fn files(page: &Answer) -> Vec<String> {
    let html = page.body.as_str().unwrap();
    let quoted = html.split('"').filter(|text| text.contains("/mcp/console/"));
    quoted.map(str::to_owned).collect()
}

fn is_confined(answer: &Answer) {
    assert_eq!(header(answer, "content-security-policy"), POLICY);
    assert_eq!(header(answer, "x-content-type-options"), "nosniff");
    assert_eq!(header(answer, "referrer-policy"), "no-referrer");
    assert_eq!(header(answer, "cross-origin-opener-policy"), "same-origin");
    assert!(!answer.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn a_browser_gets_the_page_and_other_clients_do_not() {
    for mode in [&[][..], &["--console=full"]] {
        let server = server(mode).await;
        for path in ["/", "/mcp", "/mcp/"] {
            let page = server.request("GET", path, &[BROWSER]).await;
            assert_eq!(
                (page.status, header(&page, "content-type")),
                (200, "text/html; charset=utf-8"),
                "{path}"
            );
            assert_eq!(
                (header(&page, "cache-control"), header(&page, "vary")),
                ("no-store", "accept")
            );
            is_confined(&page);
        }
        for accept in [
            "text/event-stream",
            "application/json",
            "*/*",
            "application/json, text/html",
        ] {
            let refused = server.request("GET", "/mcp", &[("accept", accept)]).await;
            assert_eq!((refused.status, header(&refused, "allow")), (405, "POST"), "{accept}");
            assert_eq!(
                server.request("GET", "/", &[("accept", accept)]).await.status,
                404,
                "{accept}"
            );
        }
        assert_eq!(server.request("DELETE", "/mcp", &[BROWSER]).await.status, 405);
        let elsewhere = server
            .request("GET", "/", &[BROWSER, ("host", "evil.example.com")])
            .await;
        assert_eq!(elsewhere.refused(), (403, "host_not_allowed"));
    }
    let off = server(&["--console=off"]).await;
    assert_eq!(off.request("GET", "/mcp", &[BROWSER]).await.status, 405);
    for path in ["/", "/mcp/console/about", "/mcp/console/requests"] {
        assert_eq!(off.request("GET", path, &[BROWSER]).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn files_are_immutable_and_those_of_the_console_are_only_in_full() {
    let (connect, full) = (server(&[]).await, server(&["--console=full"]).await);
    let page = connect.request("GET", "/mcp", &[BROWSER]).await;
    let names = files(&page);
    assert!(
        names.iter().any(|name| name.ends_with("/page.css")) && names.len() == 2,
        "{names:?}"
    );
    for name in &names {
        let file = connect.request("GET", name, &[]).await;
        assert_eq!(
            (file.status, header(&file, "cache-control")),
            (200, "public, max-age=31536000, immutable")
        );
        is_confined(&file);
        let again = [("if-none-match", header(&file, "etag"))];
        assert_eq!(connect.request("GET", name, &again).await.status, 304, "{name}");
    }
    let script = files(&full.request("GET", "/", &[BROWSER]).await).pop().unwrap();
    assert!(script.ends_with("/console.js"), "{script}");
    assert_eq!(full.request("GET", &script, &[]).await.status, 200);
    assert_eq!(connect.request("GET", &script, &[]).await.status, 404, "it is not on");
    let (folder, _) = script.rsplit_once('/').unwrap();
    for path in [
        "/mcp/console/0000000000000000/page.css".to_owned(),
        format!("{folder}/page.html"),
        format!("{folder}/..%2Fabout.rs"),
        "/mcp/console/".to_owned(),
    ] {
        assert_eq!(full.request("GET", &path, &[]).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn the_page_is_served_below_the_path_of_the_public_url() {
    let flags = ["--public-url=https://mcp.example.com/api", "--console=full"];
    let server = server(&flags).await;
    for path in ["/", "/mcp", "/api", "/api/", "/api/mcp"] {
        let page = server
            .request("GET", path, &[BROWSER, ("host", "mcp.example.com")])
            .await;
        assert_eq!(page.status, 200, "{path}");
        for name in files(&page) {
            assert!(name.starts_with("/api/mcp/console/"), "{name}");
            assert_eq!(server.request("GET", &name, &[]).await.status, 200);
            // A proxy may cut the path off.
            assert_eq!(
                server.request("GET", name.trim_start_matches("/api"), &[]).await.status,
                200
            );
        }
    }
    let about = server.request("GET", "/api/mcp/console/about", &[]).await;
    assert_eq!(about.body["public_endpoint"], "https://mcp.example.com/api/mcp");
}

#[tokio::test]
async fn the_page_knows_what_is_on_and_no_secret() {
    let server = server(&[
        "--read-only",
        "--toolsets=buckets,auth",
        "--catalog-url=https://q.example.com",
        "--contact=the data desk",
    ])
    .await;
    let about = server.request("GET", "/mcp/console/about", &[]).await;
    assert_eq!(header(&about, "cache-control"), "no-store");
    is_confined(&about);
    assert_eq!(
        about.body,
        json!({
            "version": env!("CARGO_PKG_VERSION"), "verification": "hs256", "token_for_all": false,
            "toolsets": ["buckets", "auth"], "read_only": true, "catalog_url": "https://q.example.com",
            "contact": "the data desk", "sign_in": [], "authorization_servers": [], "public_endpoint": null, "request_log": false, "ready": true, "not_ready": null,
        })
    );
    server.shut_down();
}

#[tokio::test]
async fn the_requests_of_the_page_count_against_the_limits() {
    let server = server(&["--rate-limit=1/min", "--console=full"]).await;
    let origin = server.url.trim_end_matches("/mcp").to_owned();
    let bearer = format!("Bearer {}", crate::support::token(json!({ "sub": "reader" })));
    let headers = [
        ("origin", origin.as_str()),
        ("authorization", &bearer),
        ("sec-fetch-site", "same-origin"),
    ];
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"auth_status"}}"#;
    assert_eq!(server.post(call, &headers).await.status, 200);
    assert_eq!(server.post(call, &headers).await.refused().0, 429);
}

#[tokio::test]
async fn the_request_log_and_the_users_are_for_the_page_of_dev_alone() {
    const PATH: &str = "/mcp/console/requests";
    const USER: &str = "/mcp/console/users/writer";
    let dev = OnDev::new().await;
    let users = &dev.dev.backend.info.users;
    dev.call(
        "bucket_objects_list",
        json!({ "bucket": "it-hidden", "prefix": "a-prefix" }),
    )
    .await;
    let probe = json!({ "name": "bucket_list", "arguments": {} });
    dev.server.rpc(Some("not.a.token"), "tools/call", probe).await;
    let own = ("sec-fetch-site", "same-origin");
    let log = dev.server.request("GET", PATH, &[own]).await;
    let [refused, denied] = log.body["requests"].as_array().unwrap().as_slice() else {
        panic!("{}", log.body)
    };
    assert_eq!(
        (&refused["token"], &refused["status"], &refused["code"]),
        (&json!("bad"), &json!(401), &json!("invalid_jwt"))
    );
    assert_eq!(
        (&denied["token"], &denied["status"], &denied["tool"]),
        (&json!("good"), &json!(200), &json!("bucket_objects_list"))
    );
    assert!(denied["code"].is_string(), "the code of a tool that failed: {denied}");
    let text = log.body.to_string();
    for secret in [&users.writer.token, "not.a.token", "a-prefix"] {
        assert!(!text.contains(secret), "{text}");
    }
    let origin = ("origin", "http://localhost:5173");
    for headers in [
        &[origin][..],
        &[("sec-fetch-site", "same-site")],
        &[own, origin],
        &[own, ("host", "evil.example.com")],
    ] {
        let refused = dev.server.request("GET", PATH, headers).await;
        assert_eq!(refused.status, 403, "{headers:?}");
        assert!(refused.body.get("requests").is_none());
        let refused = dev.server.request("GET", USER, headers).await;
        assert_eq!(refused.status, 403, "{headers:?}");
        assert!(!refused.body.to_string().contains(&users.writer.token));
    }
    let about = dev.server.request("GET", "/mcp/console/about", &[]).await.body;
    assert_eq!(about["sign_in"], json!(["reader", "writer", "embedded", "assumed"]));
    for headers in [&[own][..], &[]] {
        let token = dev.server.request("GET", USER, headers).await.body;
        assert_eq!(token, json!(users.writer.token), "as text, for a shell");
    }
    let admin = dev.server.request("GET", "/mcp/console/users/admin", &[own]).await;
    assert_eq!(admin.status, 404);
    let product = server(&["--console=full"]).await;
    assert_eq!(
        product.request("GET", PATH, &[own]).await.status,
        404,
        "a product has no such log"
    );
    assert_eq!(product.request("GET", USER, &[own]).await.status, 404, "nor users");
    let never = OnDev::with(&["--console=off"]).await;
    assert_eq!(never.server.request("GET", PATH, &[own]).await.status, 404);
}
