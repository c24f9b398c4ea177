//! `token mint --from-quilt3` with files that the real quilt3 wrote.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{SECRET, now, token, tools};

/// The refresh token, which nothing may show.
const REFRESH: &str = "canary-refresh-token";

/// A catalog and registry in one, with the lifetime of its logins in seconds.
async fn registry(access_token: &str, seconds: i64) -> MockServer {
    let server = MockServer::start().await;
    answers(&server, access_token, seconds).await;
    server
}

async fn answers(server: &MockServer, access_token: &str, seconds: i64) {
    server.reset().await;
    let config = json!({ "registryUrl": server.uri(), "region": "us-east-1", "navigator_url": server.uri() });
    let login = json!({ "refresh_token": REFRESH, "access_token": access_token, "expires_at": now() + seconds });
    let keys = json!({ "AccessKeyId": "ASIA", "SecretAccessKey": "s", "SessionToken": "t",
        "Expiration": "2036-01-01T00:00:00Z" });
    for (verb, at, body) in [
        ("GET", "/config.json", config),
        ("POST", "/api/token", login),
        ("GET", "/api/auth/get_credentials", keys),
    ] {
        let answer = ResponseTemplate::new(200).set_body_json(body);
        Mock::given(method(verb))
            .and(path(at))
            .respond_with(answer)
            .mount(server)
            .await;
    }
}

/// Someone's home, with quilt3 and our command in it.
struct Home(tempfile::TempDir);

impl Home {
    fn settle(&self, command: &mut Command) {
        command
            .env("HOME", self.0.path())
            .env("XDG_DATA_HOME", self.0.path().join("data"));
    }

    async fn quilt3(&self, arguments: &[&str]) {
        let mut command = tools::python_script("quilt3_login.py").unwrap();
        command.args(arguments).env("QUILT_DISABLE_USAGE_METRICS", "true");
        self.settle(&mut command);
        let said = tokio::task::spawn_blocking(move || tools::run(&mut command))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            Path::new(said.lines().last().unwrap()),
            self.0.path().join("data/Quilt")
        );
    }

    async fn mint(&self, arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
        let mut command = tools::isolated(Path::new(env!("CARGO_BIN_EXE_quilt-mcp")));
        command
            .args(["token", "mint", "--from-quilt3"])
            .args(arguments)
            .envs(variables.iter().copied());
        self.settle(&mut command);
        let auth = self.0.path().join("data/Quilt/auth.json");
        let before = fs::read(&auth).ok();
        let Output { status, stdout, stderr } = tokio::task::spawn_blocking(move || command.output())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(fs::read(&auth).ok(), before, "quilt3's file is left alone");
        let (out, err) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
        assert!(!out.contains(REFRESH) && !err.contains(REFRESH), "{err}");
        (status.code().unwrap(), out, err)
    }

    async fn refused(&self, variables: &[(&str, &str)], parts: &[&str]) {
        let (code, out, err) = self.mint(&[], variables).await;
        assert_eq!((code, out.as_str()), (1, ""), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
        for part in parts {
            assert!(err.contains(part), "{part} is not in {err}");
        }
    }
}

#[tokio::test]
async fn quilt3_s_login_becomes_a_token() {
    let access = token(json!({ "id": "u-1", "uuid": "u-1" }));
    let server = registry(&access, 5).await;
    let home = Home(tempfile::tempdir().unwrap());

    home.refused(&[], &["not configured", "quilt3 config", "quilt3 login"])
        .await;
    home.quilt3(&["config", &server.uri()]).await;
    home.refused(&[], &["not logged in", "quilt3 login", &server.uri()])
        .await;
    home.quilt3(&["login", REFRESH]).await;
    home.refused(
        &[],
        &["has expired", "quilt3.session.get_session()", "not renewed here"],
    )
    .await;

    // What that message says to do.
    answers(&server, &access, 1800).await;
    let mut renew = tools::isolated(&tools::python().unwrap());
    renew.args(["-c", "import quilt3; quilt3.session.get_session()"]);
    home.settle(&mut renew);
    tokio::task::spawn_blocking(move || tools::run(&mut renew))
        .await
        .unwrap()
        .unwrap();

    let (code, out, err) = home.mint(&[], &[]).await;
    assert_eq!((code, out.trim_end()), (0, access.as_str()), "{err}");
    assert!(
        err.contains("quilt3's own access token") && err.contains("`registry` mode"),
        "{err}"
    );
    let (code, out, err) = home.mint(&["--sub", "x"], &[]).await;
    assert_eq!((code, out.as_str()), (2, ""), "{err}");

    let (code, out, err) = home
        .mint(&["--ttl", "12h", "--claim", "team=a"], &[("MCP_JWT_SECRET", SECRET)])
        .await;
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("new HS256 token") && !err.contains(&access), "{err}");
    let key = jsonwebtoken::DecodingKey::from_secret(SECRET.as_bytes()).unwrap();
    let rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
    let claims = jsonwebtoken::decode::<Value>(out.trim_end(), &key, &rules)
        .unwrap()
        .claims;
    assert_eq!(claims["catalog_token"], access);
    assert_eq!((&claims["sub"], &claims["team"]), (&json!("u-1"), &json!("a")));
    assert_eq!(
        (&claims["registry_url"], &claims["catalog_url"]),
        (&json!(server.uri()), &json!(server.uri()))
    );
    let left = claims["exp"].as_i64().unwrap() - now();
    assert!(
        (1700..=1800).contains(&left),
        "it ends with the token inside, and not in 12 hours: {left}"
    );

    let elsewhere = "https://registry.example.com";
    home.refused(
        &[("QUILT_REGISTRY_URL", elsewhere)],
        &["another place", elsewhere, &server.uri()],
    )
    .await;
    home.refused(
        &[("QUILT_CATALOG_URL", elsewhere)],
        &["another place", "QUILT_CATALOG_URL"],
    )
    .await;
    let (code, _, err) = home
        .mint(&[], &[("QUILT_REGISTRY_URL", &format!("{}/", server.uri()))])
        .await;
    assert_eq!(code, 0, "{err}");

    let second = registry(&access, 1800).await;
    home.quilt3(&["config", &second.uri()]).await;
    home.refused(&[], &["not logged in there, only at", &server.uri(), &second.uri()])
        .await;
    home.quilt3(&["logout"]).await;
    home.refused(&[], &["not logged in", &second.uri()]).await;
}

#[tokio::test]
async fn files_that_quilt3_did_not_write_are_named_and_not_quoted() {
    let home = Home(tempfile::tempdir().unwrap());
    let data = home.0.path().join("data/Quilt");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("config.yml"), "").unwrap();
    home.refused(&[], &["not configured"]).await;
    for config in ["[", "registryUrl: 7 8\n", "registryUrl: [a]\n"] {
        fs::write(data.join("config.yml"), config).unwrap();
        home.refused(&[], &["config.yml", "not as quilt3 8 writes it"]).await;
    }
    fs::write(
        data.join("config.yml"),
        "registryUrl: 'https://r.example.com'\nnavigator_url: null\n",
    )
    .unwrap();
    for auth in [
        format!("\"{REFRESH}\""),
        format!("{{\"https://r.example.com\": \"{REFRESH}\"}}"),
        format!("{{\"https://r.example.com\": {{\"access_token\": \"a\", \"expires_at\": \"{REFRESH}\"}}}}"),
        format!("{{\"https://r.example.com\": {{\"access_token\": \"{REFRESH} x\", \"expires_at\": 4e9}}}}"),
    ] {
        fs::write(data.join("auth.json"), auth).unwrap();
        home.refused(&[], &["auth.json", "not as quilt3 8 writes it"]).await;
    }
}
