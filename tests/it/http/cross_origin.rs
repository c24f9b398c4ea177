//! Cross-origin requests: the responses that pages of other origins may read, and the warnings that operators get.

use serde_json::json;

use crate::support::SECRET;
use crate::support::program::Program;
use crate::support::server::Server;

const PAGE: &str = "https://app.example.com";
const EXTENSION: &str = "chrome-extension://abcdefghijklmnop";
const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

fn flags() -> Vec<String> {
    vec![
        format!("--jwt-secret={SECRET}"),
        format!("--allowed-origins={PAGE},{EXTENSION}"),
    ]
}

#[tokio::test]
async fn every_answer_can_be_read_by_a_listed_page() {
    let server = Server::start_with(None, &flags()).await;
    for origin in [PAGE, EXTENSION] {
        let page = ("origin", origin);
        let preflight = [
            page,
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization,baggage"),
        ];
        for path in ["/mcp", "/", "/sse", "/mcp/sse", "/MCP", "/register", "/health"] {
            let granted = server.request("OPTIONS", path, &preflight).await;
            assert_eq!(
                (granted.status, &granted.headers["access-control-allow-origin"]),
                (200, &origin.parse().unwrap())
            );
            assert_eq!(
                granted.headers["access-control-allow-headers"], "authorization,baggage",
                "{path}"
            );
            let answer = server.request("POST", path, &[page]).await;
            assert_eq!(
                answer.headers["access-control-allow-origin"], origin,
                "{path} {}",
                answer.status
            );
        }
        let get = server.request("GET", "/mcp", &[page]).await;
        assert_eq!(
            (get.status, &get.headers["cache-control"]),
            (405, &"no-store".parse().unwrap())
        );
        let vary: Vec<&str> = get
            .headers
            .get_all("vary")
            .iter()
            .map(|value| value.to_str().unwrap())
            .collect();
        assert!(vary.iter().any(|value| value.contains("accept")), "{vary:?}");
        assert!(
            get.body["error"]["message"].as_str().unwrap().contains("POST"),
            "{}",
            get.body
        );
        assert_eq!(server.post(PING, &[page]).await.status, 200);
    }
}

/// Clients that find no OAuth metadata after a 401 show what these paths answer.
#[tokio::test]
async fn paths_of_an_authorization_server_answer_as_oauth_does() {
    let server = Server::start_with(None, &flags()).await;
    for (method, path) in [("POST", "/register"), ("GET", "/authorize"), ("POST", "/token")] {
        let answer = server.request(method, path, &[("origin", PAGE)]).await;
        assert_eq!(
            (answer.status, &answer.body["error"]),
            (404, &json!("invalid_request")),
            "{path}"
        );
        let description = answer.body["error_description"].as_str().unwrap();
        assert!(description.contains("Authorization: Bearer"), "{description}");
        assert_eq!(answer.headers["access-control-allow-origin"], PAGE);
    }
    let login = "https://login.example.com";
    let mut with_login = vec![
        "--jwt-jwks-url=http://127.0.0.1:9/keys".to_owned(),
        "--jwt-issuer=https://login.example.com".to_owned(),
        "--jwt-audience=quilt".to_owned(),
        format!("--authorization-servers={login}"),
    ];
    with_login.push(format!("--allowed-origins={PAGE}"));
    let server = Server::start_with(None, &with_login).await;
    let answer = server.request("POST", "/register", &[]).await;
    assert!(
        answer.body["error_description"].as_str().unwrap().contains(login),
        "{}",
        answer.body
    );
    // A page's tracing adds headers to every request, those for public documents included.
    let preflight = [
        ("origin", "https://any.example.com"),
        ("access-control-request-method", "GET"),
        (
            "access-control-request-headers",
            "traceparent,baggage,mcp-protocol-version",
        ),
    ];
    let granted = server
        .request("OPTIONS", "/.well-known/oauth-protected-resource/mcp", &preflight)
        .await;
    assert_eq!(granted.status, 200);
    assert_eq!(granted.headers["access-control-allow-origin"], "*");
    assert_eq!(granted.headers["access-control-allow-headers"], preflight[2].1);
}

#[tokio::test]
async fn a_refused_origin_is_named_in_the_log() {
    let program = Program::serve(&flags(), &[]).await;
    let foreign = ("origin", "https://forgotten.example.com");
    let preflight = program
        .server
        .request("OPTIONS", "/mcp", &[foreign, ("access-control-request-method", "POST")])
        .await;
    assert_eq!(preflight.refused(), (403, "origin_not_allowed"), "{}", preflight.body);
    assert!(!preflight.headers.contains_key("access-control-allow-origin"));
    assert_eq!(
        program.server.post(PING, &[foreign]).await.refused(),
        (403, "origin_not_allowed")
    );
    let line = program.logged(|line| line["origin"] == foreign.1).await;
    assert_eq!(line["level"], "WARN", "{line}");
    assert!(
        line["message"].as_str().unwrap().contains("QUILT_MCP_ALLOWED_ORIGINS"),
        "{line}"
    );
    // As many as anybody sends, there are few such lines.
    for n in 0..50 {
        program
            .server
            .post(PING, &[("origin", &format!("https://{n}.example.com"))])
            .await;
    }
    let lines = program
        .texts()
        .into_iter()
        .filter(|line| line.contains("QUILT_MCP_ALLOWED_ORIGINS"))
        .count();
    assert!((1..=20).contains(&lines), "{lines}");
}

#[tokio::test]
async fn a_public_url_with_a_path_is_served_below_it() {
    let url = "https://data.example.com/api";
    let flags = [
        "--jwt-jwks-url=http://127.0.0.1:9/keys".to_owned(),
        "--jwt-issuer=https://login.example.com".to_owned(),
        "--jwt-audience=quilt".to_owned(),
        "--authorization-servers=https://login.example.com".to_owned(),
        "--require-auth=calls".to_owned(),
        format!("--public-url={url}"),
    ];
    let server = Server::start_with(None, &flags).await;
    let well_known = "/.well-known/oauth-protected-resource";
    for path in [
        format!("{well_known}/api/mcp"),
        format!("{well_known}/mcp"),
        well_known.to_owned(),
        format!("/api{well_known}"),
        format!("/api{well_known}/mcp"),
    ] {
        let document = server.request("GET", &path, &[]).await;
        assert_eq!(
            (document.status, &document.body["resource"]),
            (200, &json!(format!("{url}/mcp"))),
            "{path}"
        );
    }
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"bucket_list"}}"#;
    for path in ["/mcp", "/api/mcp", "/api/mcp/"] {
        let at = Server::at(format!("{}{path}", server.url.trim_end_matches("/mcp")));
        assert_eq!(at.post(PING, &[]).await.status, 200, "{path}");
        let refused = at.post(body, &[]).await;
        assert_eq!(refused.status, 401, "{path}");
        let challenge = refused.headers["www-authenticate"].to_str().unwrap();
        let expected = format!(r#"resource_metadata="https://data.example.com{well_known}/api/mcp""#);
        assert!(challenge.contains(&expected), "{challenge}");
    }
    assert_eq!(server.request("POST", "/other/mcp", &[]).await.status, 404);
}
