//! The image: complete, without root, on a read-only file system.

use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::support::image::Image;
use crate::support::program::{Program, free_port};
use crate::support::stage::{Keys, SHARED, Stage};
use crate::support::{SECRET, programs, token, tools};

/// A token that carries these keys.
fn carrying(keys: &Keys) -> String {
    token(json!({ "sub": "a", "aws_credentials": {
        "access_key_id": keys.access_key_id,
        "secret_access_key": keys.secret_access_key,
        "session_token": keys.session_token,
    }}))
}

async fn assembled() -> Image {
    tokio::task::spawn_blocking(Image::assemble).await.unwrap().unwrap()
}

/// Exit status of the image's own health check.
async fn health(image: &Image, variables: &[(&str, String)]) -> Option<i32> {
    let mut command = Command::from(image.healthcheck(variables));
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await
        .unwrap()
        .code()
}

#[tokio::test]
async fn the_image_runs_as_nobody_from_a_root_that_cannot_be_written() {
    if !programs::found(&["apt-get", "dpkg-deb", "unshare"]) {
        return;
    }
    let stage = Stage::embedded().await;
    let image = assembled().await;
    let (user, _) = image.recipe.user.split_once(':').unwrap();
    assert!(
        user.parse::<u32>().unwrap() >= 1000,
        "a number, and a user without rights"
    );
    let variables = [
        ("QUILT_MCP_PORT", free_port().to_string()),
        ("MCP_JWT_SECRET", SECRET.to_owned()),
        ("AWS_ENDPOINT_URL_S3", stage.endpoint.clone()),
        ("QUILT_MCP_DRAIN", "4s".to_owned()),
    ];
    assert_eq!(health(&image, &variables).await, Some(1), "nothing listens yet");
    // What is published has no development environment.
    let mut dev = Command::from(image.run(&["dev", "--help"]));
    let offered = dev.output().await.unwrap();
    let said = String::from_utf8_lossy(&offered.stderr).into_owned();
    assert_eq!(offered.status.success(), !image.recipe.is_as_published(), "{said}");

    let mut container = Program::run(image.command(&variables).into()).await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", container.id())).unwrap();
    assert!(status.contains("CapEff:\t0000000000000000"), "{status}");
    assert_eq!(health(&image, &variables).await, Some(0));
    let bearer = carrying(&stage.reader);
    container
        .server
        .call(&bearer, "bucket_objects_list", json!({ "bucket": SHARED }))
        .await
        .success();

    container.terminate();
    while container.server.request("GET", "/ready", &[]).await.status == 200 {}
    // Load balancers have not looked yet: who comes now is still served.
    container
        .server
        .call(&bearer, "bucket_objects_list", json!({ "bucket": SHARED }))
        .await
        .success();
    assert_eq!(container.ended().await.code(), Some(0));
    assert_eq!(health(&image, &variables).await, Some(1));
}

/// A registry behind TLS, and the certificate of its authority.
async fn tls_registry(keys: &Keys) -> (Child, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::from(tools::isolated(std::path::Path::new("python3")));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/tls_registry.py");
    command
        .arg(script)
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut process = command.spawn().unwrap();
    let vended = json!({
        "AccessKeyId": keys.access_key_id,
        "SecretAccessKey": keys.secret_access_key,
        "SessionToken": keys.session_token,
        "Expiration": quilt_mcp::clock::Clock::system().now() + jiff::SignedDuration::from_hours(1),
    });
    process
        .stdin
        .take()
        .unwrap()
        .write_all(vended.to_string().as_bytes())
        .await
        .unwrap();
    let port = BufReader::new(process.stdout.take().unwrap())
        .lines()
        .next_line()
        .await
        .unwrap();
    let port = port.unwrap_or_else(|| panic!("the registry could not be started; it needs openssl"));
    let authority = std::fs::read_to_string(folder.path().join("ca.pem")).unwrap();
    (process, format!("https://127.0.0.1:{port}"), authority)
}

/// TLS is checked against the certificates of the image, so the base must have them.
#[tokio::test]
async fn the_image_trusts_whom_its_certificates_name() {
    if !programs::found(&["apt-get", "dpkg-deb", "openssl", "unshare"]) {
        return;
    }
    let stage = Stage::embedded().await;
    let image = assembled().await;
    let (_registry, url, authority) = tls_registry(&stage.reader).await;
    let variables = || {
        let port = ("QUILT_MCP_PORT", free_port().to_string());
        [
            port,
            ("QUILT_REGISTRY_URL", url.clone()),
            ("AWS_ENDPOINT_URL_S3", stage.endpoint.clone()),
        ]
    };
    let arguments = json!({ "bucket": SHARED });
    let strange = Program::run(image.command(&variables()).into()).await;
    let answer = strange
        .server
        .call("opaque", "bucket_objects_list", arguments.clone())
        .await;
    assert_eq!(answer.refused(), (503, "verifier_unavailable"));
    drop(strange);

    image.trust(&authority).unwrap();
    let known = Program::run(image.command(&variables()).into()).await;
    let answer = known.server.call("opaque", "bucket_objects_list", arguments).await;
    assert_eq!(answer.success()["credential_source"], "catalog");
}
