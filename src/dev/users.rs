//! Users of the development backend, with their roles and tokens.

use embedded_aws::{AccessKey, EmbeddedAws};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::athena;
use super::info::{AdminInfo, UserInfo, UsersInfo};
use super::registry_users::RegistryUsers;
use super::samples::SHARED;
use crate::clock::Clock;
use crate::identity::sign_hs256;

/// Lifetime of tokens and embedded credentials, in seconds.
const TOKEN_SECONDS: u32 = 12 * 3600;
/// The names of the users' roles.
pub(super) const READER: &str = "reader";
pub(super) const WRITER: &str = "writer";
/// The path of the users' roles.
const ROLE_PATH: &str = "quilt-dev";

/// The users of the development backend.
pub struct DevUsers {
    /// The users and tokens in `dev.json`.
    pub info: UsersInfo,
    /// The secret with which the tokens are signed.
    pub jwt_secret: SecretString,
    /// The server's own identity, which may assume the users' roles and nothing else.
    pub server_key: AccessKey,
    reader_role: String,
    writer_role: String,
}

/// Returns the pattern of the roles that the server may assume.
pub(super) fn assumable_roles(aws: &EmbeddedAws) -> String {
    aws.role_arn(&format!("{ROLE_PATH}/*"))
}

impl DevUsers {
    /// Creates roles and keys, and signs tokens.
    pub(super) fn create(aws: &EmbeddedAws, clock: &Clock) -> anyhow::Result<Self> {
        let jwt_secret = SecretString::from(format!(
            "{:032x}{:032x}",
            rand::random::<u128>(),
            rand::random::<u128>()
        ));
        let everything = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"}]});
        let admin = aws.create_user("admin", &[everything])?;
        let assume = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
             "Resource": aws.role_arn(&format!("{ROLE_PATH}/*"))}]});
        let server_key = aws.create_user("quilt-mcp-server", &[assume])?;

        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Action": ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
            "Principal": {"AWS": aws.user_arn("quilt-mcp-server")}}]});
        let reader_role = aws.create_role(&format!("{ROLE_PATH}/{READER}"), &trust, &[policy(aws, READER, &READ)])?;
        let writer_role = aws.create_role(&format!("{ROLE_PATH}/{WRITER}"), &trust, &[policy(aws, WRITER, &WRITE)])?;

        let now = clock.now().as_second();
        let token = |sub: &str, more: Value| -> anyhow::Result<UserInfo> {
            let mut claims = json!({ "sub": sub, "id": sub, "uuid": sub, "iat": now,
                "email": format!("{sub}@example.com"), "exp": now + i64::from(TOKEN_SECONDS) });
            if let (Some(claims), Value::Object(more)) = (claims.as_object_mut(), more) {
                claims.extend(more);
            }
            Ok(UserInfo {
                sub: sub.to_owned(),
                token: sign_hs256(&claims, &jwt_secret)?,
            })
        };
        let keys = aws
            .mint_session(&writer_role, "embedded", TOKEN_SECONDS, None)?
            .ok_or_else(|| anyhow::anyhow!("the writer role is missing"))?;
        let embedded = json!({ "aws_credentials": {
            "access_key_id": keys.access_key_id,
            "secret_access_key": keys.secret_access_key.expose_secret(),
            "session_token": keys.session_token.expose_secret(),
        }});
        let info = UsersInfo {
            reader: token("reader", json!({}))?,
            writer: token("writer", json!({}))?,
            embedded: token("embedded", embedded)?,
            assumed: token("assumed", json!({ "role_arn": writer_role }))?,
            admin: AdminInfo {
                access_key_id: admin.access_key_id.clone(),
                secret_access_key: admin.secret_access_key.expose_secret().to_owned(),
            },
        };
        Ok(Self {
            info,
            jwt_secret,
            server_key,
            reader_role,
            writer_role,
        })
    }

    /// Returns the users with their roles and buckets, for the registry.
    pub(super) fn registry_users(&self) -> RegistryUsers {
        let users = RegistryUsers::default();
        users.add("reader", "Reader", &self.reader_role, &[(SHARED, "READ")]);
        for writer in ["writer", "embedded", "assumed"] {
            users.add(writer, "Writer", &self.writer_role, &[(SHARED, "READ_WRITE")]);
            users.add(writer, "Reader", &self.reader_role, &[(SHARED, "READ")]);
        }
        users
    }
}

const READ: [&str; 4] = [
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:GetObjectAttributes",
    "s3:GetObjectVersionAttributes",
];
const WRITE: [&str; 7] = [
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:GetObjectAttributes",
    "s3:GetObjectVersionAttributes",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
];

fn policy(aws: &EmbeddedAws, role: &str, object_actions: &[&str]) -> Value {
    let mut statements = athena::statements(aws, role, &[SHARED]);
    statements.extend([
        json!({"Effect": "Allow", "Action": ["s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketVersioning"],
            "Resource": format!("arn:aws:s3:::{SHARED}")}),
        json!({"Effect": "Allow", "Action": object_actions, "Resource": format!("arn:aws:s3:::{SHARED}/*")}),
    ]);
    json!({"Version": "2012-10-17", "Statement": statements})
}
