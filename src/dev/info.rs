//! `dev.json`: the URLs, users and tokens of a running `dev`, for tests and tools.

use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

/// The content of `dev.json`. Types with secrets do not implement `Debug`.
#[derive(Clone, Serialize, Deserialize)]
pub struct DevInfo {
    /// The URL of the MCP endpoint.
    pub mcp_url: String,
    /// The URL of the catalog, which serves `/config.json`, and its page on every other path.
    pub catalog_url: String,
    /// The URL of the registry.
    pub registry_url: String,
    /// The URL of the embedded S3.
    pub s3_endpoint: String,
    /// The URL of the embedded STS.
    pub sts_endpoint: Option<String>,
    /// The URL of the embedded Athena.
    #[serde(default)]
    pub athena_endpoint: Option<String>,
    /// The region of S3, STS, Athena and the catalog.
    pub region: String,
    /// The secret with which the users' HS256 tokens are signed.
    pub jwt_secret: String,
    /// The sample buckets, both versioned.
    pub buckets: BucketsInfo,
    /// The sample package.
    pub package: PackageInfo,
    /// The users and their tokens.
    pub users: UsersInfo,
}

/// Names of the sample buckets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BucketsInfo {
    /// All users may read it, and writers may write it.
    pub shared: String,
    /// No user has access to it.
    pub private: String,
}

/// The sample package.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PackageInfo {
    /// The bucket of the package.
    pub bucket: String,
    /// The name, `namespace/name`.
    pub name: String,
    /// The top hash.
    pub hash: String,
}

/// The users and their rights.
#[derive(Clone, Serialize, Deserialize)]
pub struct UsersInfo {
    /// May list and read `shared`, with credentials from the registry.
    pub reader: UserInfo,
    /// May also write `shared`, with credentials from the registry.
    pub writer: UserInfo,
    /// A writer whose token contains its credentials.
    pub embedded: UserInfo,
    /// A writer whose token names a role.
    pub assumed: UserInfo,
    /// An access key with all permissions, for setup.
    pub admin: AdminInfo,
}

/// A user with a token.
#[derive(Clone, Serialize, Deserialize)]
pub struct UserInfo {
    /// The subject of the token.
    pub sub: String,
    /// The bearer token.
    pub token: String,
}

/// An access key with all permissions.
#[derive(Clone, Serialize, Deserialize)]
pub struct AdminInfo {
    /// The access key ID.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: String,
}

impl DevInfo {
    /// Returns the users with tokens, in the order in which they are shown.
    #[must_use]
    pub fn token_users(&self) -> [&UserInfo; 4] {
        let users = &self.users;
        [&users.reader, &users.writer, &users.embedded, &users.assumed]
    }

    /// Writes `dir/NAME.token` for each user, and then `dir/dev.json`. The files are readable only by their owner.
    pub async fn write(&self, dir: &Path) -> anyhow::Result<()> {
        let failed = || format!("--data: {} cannot be written", dir.display());
        tokio::fs::create_dir_all(dir).await.with_context(failed)?;
        for user in self.token_users() {
            let name = format!("{}.token", user.sub);
            write_private(dir, &name, user.token.as_bytes())
                .await
                .with_context(failed)?;
        }
        let content = serde_json::to_vec_pretty(self)?;
        write_private(dir, "dev.json", &content).await.with_context(failed)
    }
}

/// Writes a file atomically.
async fn write_private(dir: &Path, name: &str, content: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let temporary = dir.join(format!("{name}.new"));
    tokio::fs::write(&temporary, "").await?;
    tokio::fs::set_permissions(&temporary, std::fs::Permissions::from_mode(0o600)).await?;
    tokio::fs::write(&temporary, content).await?;
    tokio::fs::rename(&temporary, dir.join(name)).await
}
