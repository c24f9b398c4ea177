//! quilt3-local, the registry and catalog that Quilt ships for one person (`quilt3 catalog`), as the server's catalog.
//!
//! It differs from a stack: it answers GraphQL at `/graphql/` alone, and redirects there; its schema has no `me`, and its
//! list of buckets is empty; it vends the credentials of the person who runs it to any token, without an end if they are
//! those of a session. Its packages take 350 MB, so these tests are ignored unless they are asked for:
//!
//! ```sh
//! cargo test --test it quilt3_local:: -- --ignored
//! ```

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use quilt_mcp::app::Overrides;
use quilt_mcp::clock::Clock;
use quilt_mcp::dev::Dev;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::support::server::{Answer, Server, overrides};
use crate::support::tools;

/// The longest wait for its start, and for each of its answers.
const TIMEOUT: Duration = Duration::from_mins(1);
/// quilt3-local does not look at it.
const TOKEN: &str = "a-token-that-quilt3-local-never-reads";

/// A server whose catalog is a running quilt3-local, with the writer's credentials and the S3 of a `dev`.
struct Local {
    server: Server,
    /// The end that quilt3-local gave its credentials.
    expiration: Value,
    bucket: String,
    dev: Dev,
    /// Is killed when dropped.
    _catalog: Child,
    _data: TempDir,
}

impl Local {
    /// Starts everything. quilt3-local has these keys of its own: `session` or `long-term`.
    async fn start(keys: &str) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let dev = Dev::start(0, data.path(), Clock::system()).await?;
        let command = tokio::task::spawn_blocking(tools::local_catalog).await??;
        let mut catalog = Command::from(command)
            .arg(data.path().join("dev.json"))
            .arg(keys)
            .env("HOME", data.path())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(catalog.stdout.take().context("its output is piped")?).lines();
        let line = tokio::time::timeout(TIMEOUT, lines.next_line()).await??;
        let started: Value = serde_json::from_str(&line.context("quilt3-local ended")?)?;
        let info = &dev.backend.info;
        let flags = [
            format!("--catalog-url={}", started["url"].as_str().context("its URL")?),
            "--verify=registry".to_owned(),
            format!("--s3-endpoint={}", info.s3_endpoint),
            format!("--sts-endpoint={}", info.s3_endpoint),
            format!("--buckets={}", info.buckets.shared),
        ];
        let overrides = Overrides {
            registry_timeout: TIMEOUT,
            ..overrides(None)
        };
        Ok(Self {
            server: Server::start_in(&flags, overrides).await,
            expiration: started["expiration"].clone(),
            bucket: info.buckets.shared.clone(),
            dev,
            _catalog: catalog,
            _data: data,
        })
    }

    async fn call(&self, tool: &str, arguments: Value) -> Answer {
        self.server.call(TOKEN, tool, arguments).await
    }

    /// Asks who the caller is, and which buckets exist and what the caller may do in them.
    async fn answers(&self) -> anyhow::Result<()> {
        let status = self.call("auth_status", json!({})).await;
        let status = status.success();
        assert_eq!(status["credential_source"], "catalog", "{status}");
        let arn = status["aws_arn"].as_str().context("an ARN")?;
        assert!(arn.ends_with(":assumed-role/writer/writer"), "{arn}");
        match self.expiration.as_str() {
            None => assert_eq!(status["credentials_expire_at"], Value::Null, "{status}"),
            Some(end) => assert_eq!(
                status["credentials_expire_at"]
                    .as_str()
                    .context("an end")?
                    .parse::<jiff::Timestamp>()?,
                end.parse::<jiff::Timestamp>()?
            ),
        }

        let listed = self.call("bucket_list", json!({})).await;
        assert_eq!(self.levels(&listed.success()["buckets"]), ["read_access"], "{listed:?}");

        // Its bucket list is empty, so S3 alone says what the caller may do.
        for arguments in [json!({}), json!({ "check_buckets": [self.bucket] })] {
            let discovered = self.call("permissions_discover", arguments).await;
            let rows = &discovered.success()["bucket_permissions"];
            assert_eq!(self.levels(rows), ["read_access"], "{discovered:?}");
        }
        Ok(())
    }

    /// Returns the permission levels of the rows, all of which are about the one bucket.
    fn levels<'a>(&self, rows: &'a Value) -> Vec<&'a str> {
        let rows = rows.as_array().map(Vec::as_slice).unwrap_or_default();
        let rows = rows.iter().filter(|row| row["name"] == self.bucket);
        rows.filter_map(|row| row["permission_level"].as_str()).collect()
    }
}

#[tokio::test]
#[ignore = "installs quilt3-local, 350 MB"]
async fn credentials_of_a_session_which_have_no_end_are_used() -> anyhow::Result<()> {
    let local = Local::start("session").await?;
    assert_eq!(local.expiration, Value::Null);
    local.answers().await?;
    local.dev.stop().await;
    Ok(())
}

#[tokio::test]
#[ignore = "installs quilt3-local, 350 MB"]
async fn credentials_for_long_term_keys_are_used() -> anyhow::Result<()> {
    let local = Local::start("long-term").await?;
    assert!(local.expiration.is_string(), "{}", local.expiration);
    local.answers().await?;
    local.dev.stop().await;
    Ok(())
}
