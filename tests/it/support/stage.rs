//! An S3 that enforces rights, with two buckets, and a reader and a writer of one of them.

use std::sync::atomic::{AtomicU32, Ordering};

use aws_credential_types::Credentials;
use embedded_aws::{EmbeddedAws, Options};
use futures::{StreamExt as _, TryStreamExt as _};
use quilt_mcp::aws::AwsOptions;
use quilt_mcp::aws::s3::SharedS3;
use quilt_mcp::clock::Clock;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::rights;
use super::seaweedfs::SeaweedFs;

/// The versioned bucket that the reader may read and the writer may read and write.
pub const SHARED: &str = "it-shared";
/// A versioned bucket without rights for either.
pub const PRIVATE: &str = "it-private";

/// Temporary or long-term keys, as registries and tokens carry them.
#[derive(Clone)]
pub struct Keys {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: Option<String>,
}

impl Keys {
    pub fn credentials(&self) -> Credentials {
        Credentials::new(
            &self.access_key_id,
            &self.secret_access_key,
            self.session_token.clone(),
            None,
            "test",
        )
    }
}

/// SeaweedFS's user that may assume roles and nothing else: access key and secret.
pub const ASSUMER: (&str, &str) = ("ITSVCSVCSVCSVCSVCSVC", "svc-secret");
/// The key, in Base64, with which SeaweedFS signs its session tokens, which are JWTs.
pub const SESSION_SIGNING_KEY: &str = "dGVzdC1zaWduaW5nLWtleS0zMi1jaGFyYWN0ZXJzLWxvbmc=";

/// The backend.
pub struct Stage {
    pub endpoint: String,
    pub reader: Keys,
    pub writer: Keys,
    pub admin: Keys,
    pub kind: Kind,
    shutdown: CancellationToken,
}

/// The kind of backend. Some responses differ; a test that depends on the kind says so.
pub enum Kind {
    Embedded(EmbeddedAws),
    SeaweedFs(#[expect(dead_code, reason = "ends the process when it is dropped")] SeaweedFs),
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn policy(actions: &[&str]) -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [format!("arn:aws:s3:::{SHARED}")]},
        {"Effect": "Allow", "Action": actions, "Resource": [format!("arn:aws:s3:::{SHARED}/*")]},
    ]})
}

const READ: [&str; 4] = [
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:GetObjectAttributes",
    "s3:GetObjectVersionAttributes",
];
const WRITE: [&str; 7] = [
    READ[0],
    READ[1],
    READ[2],
    READ[3],
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
];

impl Stage {
    /// Starts the embedded S3.
    pub async fn embedded() -> Self {
        Self::embedded_at(Clock::system()).await
    }

    /// Starts the embedded S3 with this clock for the expiry of sessions.
    pub async fn embedded_at(clock: Clock) -> Self {
        let aws = EmbeddedAws::new(Options::new(std::sync::Arc::new(move || clock.now())));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let serving = (aws.clone(), shutdown.clone());
        #[expect(clippy::disallowed_methods, reason = "ends with the stage's token")]
        tokio::spawn(async move { serving.0.serve(listener, serving.1).await });

        aws.create_bucket(SHARED, None, true);
        aws.create_bucket(PRIVATE, None, true);
        let anyone = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"]}]});
        aws.create_role("it/reader", &anyone, &[policy(&READ)]).unwrap();
        aws.create_role("it/writer", &anyone, &[policy(&WRITE)]).unwrap();
        for (role, policy) in rights::roles() {
            aws.create_role(&format!("it/{role}"), &anyone, &[policy]).unwrap();
        }
        let everything = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"}]});
        let admin = aws.create_user("admin", &[everything]).unwrap();
        let admin = Keys {
            access_key_id: admin.access_key_id,
            secret_access_key: admin.secret_access_key.expose_secret().to_owned(),
            session_token: None,
        };
        let (reader, writer) = (mint(&aws, "reader", 3600), mint(&aws, "writer", 3600));
        Self {
            endpoint,
            reader,
            writer,
            admin,
            kind: Kind::Embedded(aws),
            shutdown,
        }
    }

    /// Starts a SeaweedFS, an S3 that is not ours, so that ours is not its own judge.
    pub async fn seaweedfs() -> Self {
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["sts:AssumeRole"],
            // SeaweedFS names users of the account 000000000000 and ignores the configured account.
            "Principal": {"AWS": ["arn:aws:iam::000000000000:user/svc"]}}]});
        let role = |name: &str| {
            json!({"roleName": name, "roleArn": format!("arn:aws:iam::123456789012:role/{name}"),
            "trustPolicy": trust, "attachedPolicies": [name]})
        };
        let assume = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": ["*"]}]});
        let mut roles = vec![role("reader"), role("writer")];
        let mut policies = vec![
            json!({"name": "reader", "document": policy(&READ)}),
            json!({"name": "writer", "document": policy(&WRITE)}),
            json!({"name": "AssumeAny", "document": assume}),
        ];
        for (name, document) in rights::roles() {
            roles.push(role(name));
            policies.push(json!({"name": name, "document": document}));
        }
        let iam = json!({
            "sts": {"tokenDuration": "1h", "maxSessionLength": "12h", "issuer": "seaweedfs-sts",
                "signingKey": SESSION_SIGNING_KEY, "accountId": "123456789012"},
            "policy": {"defaultEffect": "Deny", "storeType": "memory"},
            "roleStore": {"storeType": "memory"}, "providers": [],
            "roles": roles, "policies": policies,
        });
        let admin = Keys {
            access_key_id: "ITADMINADMINADMINADM".to_owned(),
            secret_access_key: "admin-secret".to_owned(),
            session_token: None,
        };
        let s3 = json!({"identities": [
            {"name": "admin", "actions": ["Admin", "Read", "Write", "List", "Tagging"],
             "credentials": [{"accessKey": admin.access_key_id, "secretKey": admin.secret_access_key}]},
            {"name": "svc", "actions": [], "policyNames": ["AssumeAny"],
             "credentials": [{"accessKey": ASSUMER.0, "secretKey": ASSUMER.1}]},
        ]});
        let weed = tokio::task::spawn_blocking(move || SeaweedFs::start(&iam, &s3))
            .await
            .unwrap()
            .unwrap();
        let endpoint = weed.endpoint.clone();
        let client = client(&endpoint, &admin);
        for bucket in [SHARED, PRIVATE] {
            client.create_bucket().bucket(bucket).send().await.unwrap();
            let enabled = aws_sdk_s3::types::BucketVersioningStatus::Enabled;
            let versioning = aws_sdk_s3::types::VersioningConfiguration::builder()
                .status(enabled)
                .build();
            client
                .put_bucket_versioning()
                .bucket(bucket)
                .versioning_configuration(versioning)
                .send()
                .await
                .unwrap();
        }
        let (reader, writer) = (
            assume_at(&endpoint, "reader", None).await,
            assume_at(&endpoint, "writer", None).await,
        );
        let shutdown = CancellationToken::new();
        Self {
            endpoint,
            reader,
            writer,
            admin,
            kind: Kind::SeaweedFs(weed),
            shutdown,
        }
    }

    /// Returns the embedded S3. Panics if this is another.
    pub fn aws(&self) -> &EmbeddedAws {
        match &self.kind {
            Kind::Embedded(aws) => aws,
            Kind::SeaweedFs(_) => panic!("only the embedded S3 can be inspected"),
        }
    }

    /// Returns new keys of the embedded S3's `reader` or `writer`.
    pub fn mint(&self, role: &str, seconds: u32) -> Keys {
        mint(self.aws(), role, seconds)
    }

    /// Returns new keys of a role, narrowed by a session policy if there is one.
    pub async fn session(&self, role: &str, narrowed_by: Option<&Value>) -> Keys {
        match &self.kind {
            Kind::Embedded(aws) => mint_narrowed(aws, role, 3600, narrowed_by),
            Kind::SeaweedFs(_) => assume_at(&self.endpoint, role, narrowed_by.map(ToString::to_string)).await,
        }
    }

    /// Returns all versions and all open uploads of a bucket.
    pub async fn inventory(&self, bucket: &str) -> (Vec<String>, Vec<String>) {
        let client = client(&self.endpoint, &self.admin);
        let versions = client.list_object_versions().bucket(bucket).send().await.unwrap();
        let version = |version: &aws_sdk_s3::types::ObjectVersion| {
            format!(
                "{}@{}",
                version.key().unwrap_or_default(),
                version.version_id().unwrap_or_default()
            )
        };
        let uploads = client.list_multipart_uploads().bucket(bucket).send().await.unwrap();
        let upload = |upload: &aws_sdk_s3::types::MultipartUpload| upload.upload_id().unwrap_or_default().to_owned();
        (
            versions.versions().iter().map(version).collect(),
            uploads.uploads().iter().map(upload).collect(),
        )
    }

    /// Writes an object as the administrator.
    pub async fn seed(&self, bucket: &str, key: &str, body: &[u8]) {
        let put = client(&self.endpoint, &self.admin).put_object().bucket(bucket).key(key);
        put.body(body.to_vec().into())
            .content_type("text/plain")
            .send()
            .await
            .unwrap();
    }

    /// Writes many objects as the administrator, with their SHA-256 as their checksum.
    pub async fn seed_all(&self, bucket: &str, objects: impl IntoIterator<Item = (String, Vec<u8>)>) {
        let client = client(&self.endpoint, &self.admin);
        let writes = futures::stream::iter(objects).map(|(key, body)| {
            let put = client.put_object().bucket(bucket).key(key).body(body.into());
            put.checksum_algorithm(aws_sdk_s3::types::ChecksumAlgorithm::Sha256)
                .send()
        });
        writes
            .buffer_unordered(32)
            .try_for_each(|_| std::future::ready(Ok(())))
            .await
            .unwrap();
    }

    /// Deletes all versions of an object for good.
    pub async fn erase(&self, bucket: &str, key: &str) {
        let client = client(&self.endpoint, &self.admin);
        let versions = client.list_object_versions().bucket(bucket).prefix(key).send().await;
        for version in versions.unwrap().versions() {
            let delete = client.delete_object().bucket(bucket).key(version.key().unwrap());
            delete
                .set_version_id(version.version_id().map(str::to_owned))
                .send()
                .await
                .unwrap();
        }
    }

    /// Returns whether an object exists.
    pub async fn exists(&self, bucket: &str, key: &str) -> bool {
        client(&self.endpoint, &self.admin)
            .head_object()
            .bucket(bucket)
            .key(key)
            .send()
            .await
            .is_ok()
    }

    /// Returns all versions of all keys of a bucket, with delete markers; each write and each delete changes it.
    pub async fn written(&self, bucket: &str) -> Vec<(String, String)> {
        let client = client(&self.endpoint, &self.admin);
        let (mut found, mut after) = (Vec::new(), (None, None));
        loop {
            let query = client.list_object_versions().bucket(bucket);
            let page = query
                .set_key_marker(after.0)
                .set_version_id_marker(after.1)
                .send()
                .await
                .unwrap();
            let named =
                |key: Option<String>, version: Option<String>| (key.unwrap_or_default(), version.unwrap_or_default());
            found.extend(
                page.versions
                    .unwrap_or_default()
                    .into_iter()
                    .map(|it| named(it.key, it.version_id)),
            );
            found.extend(
                page.delete_markers
                    .unwrap_or_default()
                    .into_iter()
                    .map(|it| named(it.key, it.version_id)),
            );
            if page.is_truncated != Some(true) {
                found.sort();
                return found;
            }
            after = (page.next_key_marker, page.next_version_id_marker);
        }
    }

    /// Returns the server's shared client, which has no identity.
    pub fn shared_s3(&self) -> SharedS3 {
        SharedS3::new(&AwsOptions {
            region: "us-east-1".to_owned(),
            endpoint: Some(self.endpoint.clone()),
            initial_backoff: std::time::Duration::from_millis(1),
            connect_timeout: std::time::Duration::from_secs(3),
            clock: Clock::system(),
            ..AwsOptions::default()
        })
    }
}

fn mint(aws: &EmbeddedAws, role: &str, seconds: u32) -> Keys {
    mint_narrowed(aws, role, seconds, None)
}

fn mint_narrowed(aws: &EmbeddedAws, role: &str, seconds: u32, narrowed_by: Option<&Value>) -> Keys {
    static SESSION: AtomicU32 = AtomicU32::new(1);
    let session = format!("s{}", SESSION.fetch_add(1, Ordering::Relaxed));
    let keys = aws
        .mint_session(&aws.role_arn(&format!("it/{role}")), &session, seconds, narrowed_by)
        .unwrap()
        .unwrap();
    Keys {
        access_key_id: keys.access_key_id,
        secret_access_key: keys.secret_access_key.expose_secret().to_owned(),
        session_token: Some(keys.session_token.expose_secret().to_owned()),
    }
}

pub fn client(endpoint: &str, keys: &Keys) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
        .region(aws_sdk_s3::config::Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .credentials_provider(keys.credentials());
    aws_sdk_s3::Client::from_conf(config.build())
}

/// Returns new keys of a role of SeaweedFS, narrowed by a session policy if there is one.
pub async fn assume_at(endpoint: &str, role: &str, policy: Option<String>) -> Keys {
    let config = aws_sdk_sts::Config::builder()
        .behavior_version(aws_sdk_sts::config::BehaviorVersion::latest())
        .region(aws_sdk_sts::config::Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new(ASSUMER.0, ASSUMER.1, None, None, "test"));
    let client = aws_sdk_sts::Client::from_conf(config.build());
    let arn = format!("arn:aws:iam::123456789012:role/{role}");
    let answer = client
        .assume_role()
        .role_arn(arn)
        .role_session_name(role)
        .set_policy(policy)
        .send()
        .await
        .unwrap();
    let keys = answer.credentials.unwrap();
    Keys {
        access_key_id: keys.access_key_id,
        secret_access_key: keys.secret_access_key,
        session_token: Some(keys.session_token),
    }
}
