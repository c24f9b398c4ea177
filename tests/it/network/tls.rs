//! A private certificate authority, for every TLS connection.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use quilt_mcp::config::ServeConfig;
use serde_json::json;
use tempfile::TempDir;

use crate::support::otlp::OtlpReceiver;
use crate::support::program::{Program, free_port};
use crate::support::{SECRET, programs, token};

/// A TLS server with a certificate of a private authority, which answers every GET with a page.
struct TlsServer {
    url: String,
    authority: PathBuf,
    process: Child,
    folder: TempDir,
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}

fn openssl(folder: &Path, arguments: &str) {
    let mut command = Command::new("openssl");
    command.current_dir(folder).args(arguments.split(' '));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

impl TlsServer {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        openssl(
            at,
            &format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=authority"),
        );
        openssl(
            at,
            &format!("req -new {key} -keyout key.pem -out request.pem -subj /CN=localhost"),
        );
        fs::write(at.join("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n").unwrap();
        openssl(
            at,
            "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -out cert.pem -days 2 -extfile names",
        );
        let port = free_port();
        let process = Command::new("openssl")
            .current_dir(at)
            .args(["s_server", "-quiet", "-www", "-cert", "cert.pem", "-key", "key.pem"])
            .args(["-accept", &format!("127.0.0.1:{port}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
        Self {
            url: format!("https://127.0.0.1:{port}"),
            authority: at.join("ca.pem"),
            process,
            folder,
        }
    }
}

/// The errors of a call that asks the registry and of one that asks S3, with these variables beside.
async fn errors(tls: &TlsServer, beside: &[(&str, String)]) -> [String; 2] {
    let mut errors = Vec::new();
    for own in [
        vec![("QUILT_REGISTRY_URL", tls.url.clone())],
        vec![
            ("AWS_ENDPOINT_URL_S3", tls.url.clone()),
            ("AWS_ACCESS_KEY_ID", "AKIAOWN".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "s".to_owned()),
        ],
    ] {
        let mut variables = own;
        variables.push(("MCP_JWT_SECRET", SECRET.to_owned()));
        variables.extend_from_slice(beside);
        let program = Program::serve(&[], &variables).await;
        let bearer = token(json!({ "sub": "alice" }));
        let arguments = json!({ "bucket": "some-bucket" });
        let answer = program.server.call(&bearer, "bucket_objects_list", arguments).await;
        errors.push(answer.output()["error"].as_str().unwrap_or_default().to_owned());
    }
    errors.try_into().unwrap()
}

#[tokio::test]
async fn a_private_authority_is_trusted_by_either_variable_and_named_without() {
    if !programs::found(&["openssl"]) {
        return;
    }
    let tls = TlsServer::start();
    for error in errors(&tls, &[]).await {
        assert!(
            error.contains("authority that is not trusted; AWS_CA_BUNDLE"),
            "{error}"
        );
    }
    for variable in ["AWS_CA_BUNDLE", "SSL_CERT_FILE"] {
        for error in errors(&tls, &[(variable, tls.authority.display().to_string())]).await {
            assert!(
                !error.contains("not trusted") && !error.contains("could not be reached"),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn the_collector_s_authority_is_trusted_by_any_of_the_variables() {
    if !programs::found(&["openssl"]) {
        return;
    }
    let tls = TlsServer::start();
    let at = tls.folder.path();
    for variable in ["", "AWS_CA_BUNDLE", "SSL_CERT_FILE", "OTEL_EXPORTER_OTLP_CERTIFICATE"] {
        let receiver = OtlpReceiver::start_with_tls(&at.join("cert.pem"), &at.join("key.pem"), &tls.authority).await;
        let mut variables = vec![
            ("MCP_JWT_SECRET", SECRET.to_owned()),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url.clone()),
        ];
        if !variable.is_empty() {
            variables.push((variable, tls.authority.display().to_string()));
        }
        let mut program = Program::serve(&[], &variables).await;
        program.server.rpc(None, "tools/list", json!({})).await;
        program.terminate();
        assert!(program.ended().await.success());
        let exported = receiver.received().await;
        for signal in ["/v1/traces", "/v1/metrics"] {
            let is_received = !exported[signal].as_array().unwrap().is_empty();
            assert_eq!(is_received, !variable.is_empty(), "{variable} {signal}");
        }
    }
}

#[test]
fn a_file_without_certificates_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (missing, empty) = (folder.path().join("missing.pem"), folder.path().join("empty.pem"));
    fs::write(&empty, "no certificate").unwrap();
    for (variable, flag) in [("AWS_CA_BUNDLE", "--ca-bundle"), ("SSL_CERT_FILE", "--ssl-cert-file")] {
        for (file, problem) in [(&missing, "cannot be read"), (&empty, "has no certificate")] {
            let config = ServeConfig::from_flags([format!("{flag}={}", file.display())]).unwrap();
            let error = config.aws.extra_roots().unwrap_err().to_string();
            assert!(error.starts_with(variable) && error.contains(problem), "{error}");
        }
    }
}
