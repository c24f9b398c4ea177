//! A page in a real browser with the real SDKs, from another origin than the server's: the calls and responses open to
//! it, and those closed to a page of a foreign origin.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::registry::{FakeRegistry, Vends};
use crate::support::server::Server;
use crate::support::stage::{Keys, SHARED, Stage};
use crate::support::{SECRET, programs, token, tools};

/// The page's own server: it has the page, and a login that gives a new token each time.
#[derive(Clone)]
struct Site(Arc<Inner>);

struct Inner {
    bundle: PathBuf,
    config: Value,
    registry: FakeRegistry,
    reader: Keys,
    writer: Keys,
    handed_out: Mutex<Vec<String>>,
}

impl Site {
    fn routes(&self) -> Router {
        let page = include_str!("../../peers/browser/page.html");
        let script = async |State(site): State<Self>| -> Response {
            (
                [(header::CONTENT_TYPE, "text/javascript")],
                std::fs::read(&site.0.bundle).unwrap(),
            )
                .into_response()
        };
        Router::new()
            .route("/", get(Html(page)))
            .route("/page.js", get(script))
            .route(
                "/config.json",
                get(async |State(site): State<Self>| axum::Json(site.0.config.clone())),
            )
            .route(
                "/token/{user}",
                post(async |State(site): State<Self>, Path(user): Path<String>| site.token(&user)),
            )
            .with_state(self.clone())
    }

    /// A token that only the next call can use: the registry takes it, and no longer the one before.
    fn token(&self, user: &str) -> String {
        let mut handed_out = self.0.handed_out.lock().unwrap();
        let new = token(json!({ "sub": user, "jti": handed_out.len() }));
        if let Some(last) = handed_out.last() {
            self.0.registry.vends(last, Vends::Status(401));
        }
        let keys = if user == "writer" {
            &self.0.writer
        } else {
            &self.0.reader
        };
        self.0.registry.vends(&new, Vends::Keys(keys.clone(), 3600));
        handed_out.push(new.clone());
        new
    }
}

/// A listener, and the origin of what it serves.
async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    (listener, origin)
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_is_served_and_a_foreign_one_is_not() {
    if !programs::found(&["chromium"]) {
        return;
    }
    let stage = Stage::embedded().await;
    for key in ["seed/a.txt", "seed/b.txt"] {
        stage.seed(SHARED, key, b"x").await;
    }
    let registry = FakeRegistry::start().await;
    let ((page, origin), (foreign, foreign_origin)) = (listen().await, listen().await);
    let allowed = format!("--allowed-origins={origin}");
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--registry-url={}", registry.url),
        allowed.clone(),
    ];
    let server = Server::start(&stage, None, &flags).await;
    // Its registry would have to verify every token, and does not listen.
    let undecided = ["--registry-url=http://127.0.0.1:9".to_owned(), allowed];
    let undecided = Server::start(&stage, None, &undecided).await;

    let bundle = tempfile::tempdir().unwrap();
    let site = Site(Arc::new(Inner {
        bundle: bundle.path().join("page.js"),
        config: json!({ "mcp": server.url, "undecided": undecided.url, "bucket": SHARED }),
        registry: registry.clone(),
        reader: stage.reader.clone(),
        writer: stage.writer.clone(),
        handed_out: Mutex::default(),
    }));
    for listener in [page, foreign] {
        let routes = site.routes();
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, routes).await });
    }
    let mut drive = tools::node_script("browser/drive.mjs").unwrap();
    drive
        .arg(tools::chromium().unwrap())
        .arg(&site.0.bundle)
        .args([&origin, &foreign_origin]);
    drive.env("HOME", bundle.path());
    let said = tokio::task::spawn_blocking(move || tools::run(&mut drive))
        .await
        .unwrap()
        .unwrap();
    let visits: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [visit, foreigner] = visits.as_slice() else {
        panic!("{said}")
    };
    assert_eq!((&visit["faults"], &foreigner["faults"]), (&json!([]), &json!([])));

    shows_what_it_did(visit);
    assert_eq!(visit["seen"]["protocols"], json!(["2025-11-25", "2026-07-28"]));
    let written = stage.written(SHARED).await;
    for key in [
        "from-a-page/1.x.txt",
        "from-a-page/2.x.txt",
        ".quilt/named_packages/pages/sdk-1/latest",
    ] {
        assert!(
            written.iter().any(|(found, _)| found == key),
            "{key} is not among {written:?}"
        );
    }
    // Of each SDK four calls touched S3, each as the owner of a token that no other request had.
    assert_eq!(registry.asked_for_credentials(), 2 * 4);
    reads_the_headers_that_it_needs(visit, &server, &undecided).await;

    // The browser asked first, was not let in, and never sent the SDK's request.
    assert_eq!(foreigner["shown"], json!(["TypeError: Failed to fetch"]));
    let answers = foreigner["answers"].as_array().unwrap();
    let from_server: Vec<&Value> = answers
        .iter()
        .filter(|answer| answer[1] == server.url.as_str())
        .collect();
    assert_eq!(
        from_server,
        [&json!(["POST", server.url, 403])],
        "what needs no preflight is refused by the server"
    );
}

/// Checks the text of the page, line by line.
fn shows_what_it_did(visit: &Value) {
    let shown: Vec<&str> = visit["shown"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap())
        .collect();
    assert_eq!(shown.len(), 2 * 6, "{shown:#?}");
    for (sdk, lines) in ["1.x", "2.x"].into_iter().zip(shown.chunks(6)) {
        let denied =
            format!("{sdk} reader: S3 denied s3:PutObject on s3://{SHARED}/from-a-page/not-mine.txt to arn:aws:");
        let (package, size) = (&sdk[..1], format!("Grüße von {sdk}").len());
        for (line, parts) in lines.iter().zip([
            vec![format!("{sdk} without a token: 42 tools")],
            vec![
                format!("{sdk} without a token: "),
                "missing_jwt".to_owned(),
                "Authorization: Bearer".to_owned(),
            ],
            vec![format!("{sdk} reader: 2 objects")],
            vec![format!("{sdk} writer: uploaded {size} bytes")],
            vec![format!("{sdk} writer: package pages/sdk-{package} of 1 file")],
            vec![denied, "because no identity-based policy allows".to_owned()],
        ]) {
            assert!(line.starts_with(&parts[0]), "{line} does not begin with {}", parts[0]);
            for part in &parts[1..] {
                assert!(line.contains(part), "{part} is not in {line}");
            }
        }
    }
}

/// Every header that says something to a client, and was sent, can be read by the page.
async fn reads_the_headers_that_it_needs(visit: &Value, server: &Server, undecided: &Server) {
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"bucket_list"}}"#;
    let bad = ("authorization", "Bearer x.y.z");
    let good = format!("Bearer {}", token(json!({ "sub": "reader" })));
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    for (what, answer, needed) in [
        ("served", server.post(ping, &[]).await, vec!["x-request-id"]),
        (
            "no token",
            server.post(call, &[]).await,
            vec!["x-request-id", "www-authenticate"],
        ),
        (
            "bad token",
            server.post(call, &[bad]).await,
            vec!["x-request-id", "www-authenticate"],
        ),
        (
            "undecided",
            undecided.post(call, &[("authorization", &good)]).await,
            vec!["x-request-id", "retry-after"],
        ),
    ] {
        let read = &visit["seen"]["headers"][what];
        assert_eq!(read["status"], answer.status, "{what}: {read}");
        for name in needed {
            assert!(
                answer.headers.contains_key(name) && read[name].is_string(),
                "{what}: {name} is not in {read}"
            );
        }
        for name in answer.headers.keys().map(header::HeaderName::as_str) {
            let says_nothing = ["date", "connection", "vary", "content-length"].contains(&name);
            let is_about_the_page = name.starts_with("access-control-");
            assert!(
                says_nothing || is_about_the_page || read[name].is_string(),
                "{what}: {name} is hidden: {read}"
            );
        }
    }
}
