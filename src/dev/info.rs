//! `dev.json`: where everything is and who may call it, for tests and tools that wait for it.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// The whole file. Nothing in here that holds a secret is `Debug`.
#[derive(Clone, Serialize, Deserialize)]
pub struct DevInfo {
    /// The MCP endpoint.
    pub mcp_url: String,
    /// The catalog: `/config.json`, and its page on every other path.
    pub catalog_url: String,
    /// The registry.
    pub registry_url: String,
    /// The S3.
    pub s3_endpoint: String,
    /// The STS.
    pub sts_endpoint: Option<String>,
    /// Region of everything.
    pub region: String,
    /// Secret of the users' HS256 tokens.
    pub jwt_secret: String,
    /// The sample buckets, both versioned.
    pub buckets: BucketsInfo,
    /// The sample package.
    pub package: PackageInfo,
    /// Who may call.
    pub users: UsersInfo,
}

/// Names of the sample buckets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BucketsInfo {
    /// Every user may read it, writers may write it.
    pub shared: String,
    /// No user may touch it.
    pub private: String,
}

/// The sample package.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PackageInfo {
    /// Its bucket.
    pub bucket: String,
    /// `namespace/name`.
    pub name: String,
    /// Its top hash.
    pub hash: String,
}

/// The users.
#[derive(Clone, Serialize, Deserialize)]
pub struct UsersInfo {
    /// Lists and reads `shared`; credentials from the registry.
    pub reader: UserInfo,
    /// Writes it too; credentials from the registry.
    pub writer: UserInfo,
    /// A writer whose token carries its credentials.
    pub embedded: UserInfo,
    /// A writer whose token names a role.
    pub assumed: UserInfo,
    /// Every right, for setting up.
    pub admin: AdminInfo,
}

/// A user and a token.
#[derive(Clone, Serialize, Deserialize)]
pub struct UserInfo {
    /// Subject of the token.
    pub sub: String,
    /// Bearer.
    pub token: String,
}

/// A key with every right.
#[derive(Clone, Serialize, Deserialize)]
pub struct AdminInfo {
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
    pub secret_access_key: String,
}

impl DevInfo {
    /// Writes `dir/dev.json`, readable by its owner alone. It appears whole or not at all.
    pub async fn write(&self, dir: &Path) -> anyhow::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        tokio::fs::create_dir_all(dir).await?;
        let (unfinished, path) = (dir.join("dev.json.new"), dir.join("dev.json"));
        tokio::fs::write(&unfinished, "").await?;
        tokio::fs::set_permissions(&unfinished, std::fs::Permissions::from_mode(0o600)).await?;
        tokio::fs::write(&unfinished, serde_json::to_vec_pretty(self)?).await?;
        tokio::fs::rename(&unfinished, &path).await?;
        Ok(())
    }
}
