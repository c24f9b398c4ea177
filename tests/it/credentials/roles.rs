//! Roles named by a token, assumed by a server whose own identity may only assume roles: the session's rights, policies
//! that narrow it, its expiry, and changes of the role.
//!
//! These tests run on the embedded S3 and STS and on SeaweedFS, and on moto where a role must change through the API of
//! IAM. SeaweedFS differs: it accepts a source identity and tags and ignores them, it answers `InvalidAccessKeyId` to
//! sessions with a foreign token and to sessions that have expired (AWS: `InvalidToken` and `ExpiredToken`), and its
//! roles cannot change while it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine as _;
use embedded_aws::EmbeddedAws;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use quilt_mcp::clock::Clock;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::support::issuer::{Issuer, SigningKey};
use crate::support::moto::Moto;
use crate::support::on_both::on_both;
use crate::support::registry::{FakeRegistry, Vends};
use crate::support::server::{Answer, Server};
use crate::support::stage::{ASSUMER, Keys, Kind, PRIVATE, SESSION_SIGNING_KEY, SHARED, Stage, assume_at};
use crate::support::{SECRET, token};

/// A backend, and a server in front of it.
struct Scene {
    stage: Stage,
    server: Server,
}

impl Scene {
    /// The server may assume the roles of the tests and nothing else. Calls that reached its own rights would use them:
    /// the operator's policy is `full`.
    async fn on(stage: Stage) -> Self {
        let svc = assumer(&stage);
        Self {
            server: server(&stage, &svc, &[]).await,
            stage,
        }
    }

    /// A token that names this role.
    fn bearer(&self, role: &str) -> String {
        token(json!({ "sub": "alice", "role_arn": role_arn(&self.stage, role) }))
    }

    fn is_embedded(&self) -> bool {
        matches!(self.stage.kind, Kind::Embedded(_))
    }
}

/// A server with these keys as its own identity.
async fn server(stage: &Stage, own: &Keys, flags: &[String]) -> Server {
    let roles = ["reader", "writer", "tagged"]
        .map(|role| role_arn(stage, role))
        .join(",");
    let mut all = vec![
        format!("--jwt-secret={SECRET}"),
        format!("--assumable-roles={roles}"),
        "--ambient=full".to_owned(),
    ];
    all.extend_from_slice(flags);
    Server::start(stage, Some(own), &all).await
}

fn role_arn(stage: &Stage, role: &str) -> String {
    match &stage.kind {
        Kind::Embedded(aws) => aws.role_arn(&format!("it/{role}")),
        Kind::SeaweedFs(_) => format!("arn:aws:iam::123456789012:role/{role}"),
    }
}

/// A user that may assume roles and nothing else.
fn assumer(stage: &Stage) -> Keys {
    match &stage.kind {
        Kind::Embedded(aws) => {
            let assume = policy("sts:*", "*");
            let key = aws.create_user("svc", &[assume]).unwrap();
            Keys {
                access_key_id: key.access_key_id,
                secret_access_key: key.secret_access_key.expose_secret().to_owned(),
                session_token: None,
            }
        }
        Kind::SeaweedFs(_) => Keys {
            access_key_id: ASSUMER.0.into(),
            secret_access_key: ASSUMER.1.into(),
            session_token: None,
        },
    }
}

fn policy(action: &str, resource: &str) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": action, "Resource": resource }] })
}

async fn put_to(server: &Server, bearer: &str, bucket: &str, key: &str) -> Answer {
    let items = json!([{ "key": key, "text": "x" }]);
    server
        .call(
            bearer,
            "bucket_objects_put",
            json!({ "bucket": bucket, "items": items }),
        )
        .await
}

async fn put(server: &Server, bearer: &str, key: &str) -> Answer {
    put_to(server, bearer, SHARED, key).await
}

/// A read by GET, a read by HEAD or a listing.
async fn read(server: &Server, bearer: &str, operation: &str, bucket: &str) -> Answer {
    let uri = json!({ "s3_uri": format!("s3://{bucket}/there") });
    match operation {
        "get" => server.call(bearer, "bucket_object_text", uri).await,
        "head" => server.call(bearer, "bucket_object_info", uri).await,
        _ => {
            server
                .call(bearer, "bucket_objects_list", json!({ "bucket": bucket }))
                .await
        }
    }
}

const READS: [&str; 3] = ["get", "head", "list"];

fn embedding(keys: &Keys) -> Value {
    json!({ "access_key_id": keys.access_key_id, "secret_access_key": keys.secret_access_key,
        "session_token": keys.session_token })
}

/// How often a role was asked of the embedded STS.
fn assumptions(aws: &EmbeddedAws) -> usize {
    aws.journal()
        .entries()
        .iter()
        .filter(|entry| entry.operation == "AssumeRole")
        .count()
}

on_both! {
    async fn a_session_may_what_its_role_may(scene) {
        scene.stage.seed(SHARED, "there", b"1").await;
        scene.stage.seed(PRIVATE, "there", b"1").await;
        for (role, may_put) in [("reader", false), ("writer", true)] {
            let bearer = scene.bearer(role);
            for operation in READS {
                let answer = read(&scene.server, &bearer, operation, SHARED).await;
                assert_eq!(answer.success()["credential_source"], "jwt", "{role} {operation}");
                let answer = read(&scene.server, &bearer, operation, PRIVATE).await;
                assert_eq!(answer.failure("access_denied")["credential_source"], "jwt", "{role} {operation}");
            }
            let answer = put(&scene.server, &bearer, role).await;
            if may_put {
                assert_eq!(answer.success()["credential_source"], "jwt");
            } else {
                assert_eq!(answer.failure("access_denied")["credential_source"], "jwt");
            }
            assert_eq!(scene.stage.exists(SHARED, role).await, may_put, "{role}");
            put_to(&scene.server, &bearer, PRIVATE, role).await.failure("access_denied");
            assert!(!scene.stage.exists(PRIVATE, role).await, "{role}");
            let status = scene.server.call(&bearer, "auth_status", json!({})).await;
            let arn = format!("arn:aws:sts::123456789012:assumed-role/{role}/alice");
            assert_eq!(status.success()["aws_arn"], arn);
        }
        if scene.is_embedded() {
            // One session for each of the two tokens, and the server's own identity never went to S3.
            assert_eq!(assumptions(scene.stage.aws()), 2);
            let svc = scene.stage.aws().user_arn("svc");
            for entry in scene.stage.aws().journal().entries() {
                let by_svc = entry.principal_arn.as_deref() == Some(svc.as_str());
                assert_eq!(by_svc, entry.operation == "AssumeRole", "{entry:?}");
            }
        }
    }

    /// The premise of the other tests: a call that acted with the server's own rights would be refused here.
    async fn the_servers_own_identity_may_nothing_in_s3(scene) {
        scene.stage.seed(SHARED, "there", b"1").await;
        let bearer = token(json!({ "sub": "alice" }));
        for operation in READS {
            let answer = read(&scene.server, &bearer, operation, SHARED).await;
            assert_eq!(answer.failure("access_denied")["credential_source"], "ambient", "{operation}");
        }
        let answer = put(&scene.server, &bearer, "by-svc").await;
        assert_eq!(answer.failure("access_denied")["credential_source"], "ambient");
        assert!(!scene.stage.exists(SHARED, "by-svc").await);
    }

    /// A role that is not there is refused by STS, and that is the end of it.
    async fn a_role_that_is_not_there_leads_nowhere(scene) {
        let own = scene.stage.admin.clone();
        let server = server(&scene.stage, &own, &[]).await;
        let answer = put(&server, &scene.bearer("tagged"), "k").await;
        let attempts = &answer.failure("assume_role_failed")["details"]["attempts"];
        let outcomes = attempts.as_array().unwrap().iter().map(|attempt| attempt["outcome"].as_str().unwrap());
        assert_eq!(outcomes.collect::<Vec<_>>(), ["denied", "not_applicable", "not_applicable"], "{attempts}");
        assert!(!scene.stage.exists(SHARED, "k").await);
    }

    /// A policy that a session is born with takes away from what its role may; the registry vends such a session.
    async fn a_session_policy_narrows(scene) {
        scene.stage.seed(SHARED, "there", b"1").await;
        let registry = FakeRegistry::start().await;
        let own = scene.stage.admin.clone();
        let server = server(&scene.stage, &own, &[format!("--registry-url={}", registry.url)]).await;
        let bearer = token(json!({ "sub": "narrow" }));
        let narrow = policy("s3:GetObject", &format!("arn:aws:s3:::{SHARED}/*"));
        let keys = match &scene.stage.kind {
            Kind::Embedded(aws) => {
                let role = role_arn(&scene.stage, "writer");
                let keys = aws.mint_session(&role, "narrow", 3600, Some(&narrow)).unwrap().unwrap();
                Keys {
                    access_key_id: keys.access_key_id,
                    secret_access_key: keys.secret_access_key.expose_secret().to_owned(),
                    session_token: Some(keys.session_token.expose_secret().to_owned()),
                }
            }
            Kind::SeaweedFs(_) => assume_at(&scene.stage.endpoint, "writer", Some(narrow.to_string())).await,
        };
        registry.vends(&bearer, Vends::Keys(keys, 3600));
        for (operation, may) in [("get", true), ("head", true), ("list", false)] {
            let answer = read(&server, &bearer, operation, SHARED).await;
            if may {
                answer.success();
            } else {
                assert_eq!(answer.failure("access_denied")["credential_source"], "catalog");
            }
        }
        let answer = put(&server, &bearer, "narrowed").await;
        let failure = answer.failure("access_denied");
        assert_eq!(failure["credential_source"], "catalog");
        if scene.is_embedded() {
            // SeaweedFS says no more than that it refuses.
            assert!(failure["error"].as_str().unwrap().contains("no session policy allows"), "{failure}");
        }
        assert!(!scene.stage.exists(SHARED, "narrowed").await);

        // The same role without that policy may.
        registry.vends(&bearer, Vends::Keys(scene.stage.writer.clone(), 3600));
        server.call(&bearer, "auth_status", json!({ "refresh": true })).await.success();
        put(&server, &bearer, "narrowed").await.success();
    }

    /// An access key and its secret are nothing without the token that they were vended with.
    async fn no_other_or_garbage_session_token_is_refused(scene) {
        scene.stage.seed(SHARED, "there", b"1").await;
        let own = scene.stage.admin.clone();
        let server = server(&scene.stage, &own, &[]).await;
        let good = scene.stage.writer.clone();
        let cut = good.session_token.as_deref().map(|token| token[..token.len() - 6].to_owned());
        for (name, session_token) in [
            ("none", None),
            ("other", scene.stage.reader.session_token.clone()),
            ("cut", cut),
            ("garbage", Some("garbage".to_owned())),
        ] {
            let keys = Keys { session_token, ..good.clone() };
            let bearer = token(json!({ "sub": name, "aws_credentials": embedding(&keys) }));
            for operation in READS {
                let answer = read(&server, &bearer, operation, SHARED).await;
                let failure = answer.failure("access_denied");
                assert_eq!(failure["credential_source"], "jwt", "{name} {operation}");
                let code = if scene.is_embedded() { "InvalidToken" } else { "InvalidAccessKeyId" };
                assert_eq!(failure["details"]["s3_code"], code, "{name} {operation}: {failure}");
            }
            assert_eq!(put(&server, &bearer, name).await.failure("access_denied")["credential_source"], "jwt");
            assert!(!scene.stage.exists(SHARED, name).await, "{name}");
        }
        let bearer = token(json!({ "sub": "good", "aws_credentials": embedding(&good) }));
        put(&server, &bearer, "good").await.success();
    }
}

/// The subject is the source identity and the token's tags are the session's, so that roles can be given by them.
#[tokio::test]
async fn trust_and_rights_may_hang_on_source_identity_and_tags() {
    let scene = Scene::on(Stage::embedded().await).await;
    let trust = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Principal": "*",
        "Action": ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
        "Condition": { "StringEquals": { "sts:SourceIdentity": "alice" } } }] });
    let mut rights = policy("s3:PutObject", &format!("arn:aws:s3:::{SHARED}/*"));
    rights["Statement"][0]["Condition"] = json!({ "StringEquals": { "aws:PrincipalTag/team": "blue" } });
    scene.stage.aws().create_role("it/tagged", &trust, &[rights]).unwrap();
    let role = role_arn(&scene.stage, "tagged");
    for (name, subject, tags, code) in [
        ("blue", "alice", json!({ "team": "blue" }), None),
        ("red", "alice", json!({ "team": "red" }), Some("access_denied")),
        ("untagged", "alice", json!({}), Some("access_denied")),
        (
            "foreign",
            "mallory",
            json!({ "team": "blue" }),
            Some("assume_role_failed"),
        ),
    ] {
        let bearer = token(json!({ "sub": subject, "role_arn": role, "session_tags": tags }));
        let answer = put(&scene.server, &bearer, name).await;
        match code {
            None => assert_eq!(answer.success()["credential_source"], "jwt"),
            Some(code) => drop(answer.failure(code)),
        }
        assert_eq!(scene.stage.exists(SHARED, name).await, code.is_none(), "{name}");
    }
}

/// A role may ask that certain tags stay on when its sessions assume further roles.
#[tokio::test]
async fn trust_may_hang_on_transitive_tags() {
    let scene = Scene::on(Stage::embedded().await).await;
    let trust = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Principal": "*",
        "Action": ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
        "Condition": { "ForAnyValue:StringEquals": { "sts:TransitiveTagKeys": "team" } } }] });
    let rights = policy("s3:PutObject", &format!("arn:aws:s3:::{SHARED}/*"));
    scene.stage.aws().create_role("it/tagged", &trust, &[rights]).unwrap();
    let role = role_arn(&scene.stage, "tagged");
    for (name, transitive, code) in [
        ("one", json!(["team"]), None),
        ("both", json!(["site", "team"]), None),
        ("other", json!(["site"]), Some("assume_role_failed")),
        ("none", json!([]), Some("assume_role_failed")),
    ] {
        let tags = json!({ "team": "blue", "site": "north" });
        let claims =
            json!({ "sub": "alice", "role_arn": role, "session_tags": tags, "transitive_tag_keys": transitive });
        let answer = put(&scene.server, &token(claims), name).await;
        match code {
            None => assert_eq!(answer.success()["credential_source"], "jwt", "{name}"),
            Some(code) => drop(answer.failure(code)),
        }
    }
}

/// SeaweedFS takes source identity and tags, and neither asks its trust policies about them nor keeps them.
#[tokio::test]
async fn seaweedfs_is_not_bothered_by_tags() {
    let scene = Scene::on(Stage::seaweedfs().await).await;
    let role = role_arn(&scene.stage, "writer");
    let tags = json!({ "team": "blue" });
    let bearer =
        token(json!({ "sub": "alice", "role_arn": role, "session_tags": tags, "transitive_tag_keys": ["team"] }));
    assert_eq!(
        put(&scene.server, &bearer, "k").await.success()["credential_source"],
        "jwt"
    );
}

/// A clock that is ahead of the system's by as many seconds as it is told.
fn movable() -> (Clock, Arc<AtomicI64>) {
    let skew = Arc::new(AtomicI64::new(0));
    let seconds = skew.clone();
    let read = move || Clock::system().now() + jiff::SignedDuration::from_secs(seconds.load(Ordering::Relaxed));
    (Clock::from_fn(read), skew)
}

/// The session is over by AWS's clock and not by ours: the role is assumed anew, once, and the call goes on. The HEAD is
/// refused with a bare 400, as AWS does it.
#[tokio::test]
async fn an_expired_session_is_assumed_anew_once() {
    let (clock, skew) = movable();
    let scene = Scene::on(Stage::embedded_at(clock).await).await;
    let (aws, bearer) = (scene.stage.aws(), scene.bearer("writer"));
    scene.stage.seed(SHARED, "there", b"1").await;
    put(&scene.server, &bearer, "first").await.success();
    for operation in ["get", "head", "list", "put"] {
        skew.fetch_add(7200, Ordering::Relaxed);
        aws.journal().clear();
        let answer = match operation {
            "put" => put(&scene.server, &bearer, "again").await,
            _ => read(&scene.server, &bearer, operation, SHARED).await,
        };
        assert_eq!(answer.success()["credential_source"], "jwt", "{operation}");
        assert_eq!(assumptions(aws), 1, "{operation}");
        let entries = aws.journal().entries();
        assert_eq!(entries[0].status, 400, "{operation}: the session was over: {entries:?}");
        // The new session is kept.
        read(&scene.server, &bearer, "get", SHARED).await.success();
        assert_eq!(assumptions(aws), 1, "{operation}");
    }
}

/// A new session is not available: S3's answer stands, and no other rights are tried. The administrator's keys are the
/// server's own here.
#[tokio::test]
async fn an_expired_session_of_a_deleted_role_stays_over() {
    let (clock, skew) = movable();
    let stage = Stage::embedded_at(clock).await;
    let server = server(&stage, &stage.admin, &[]).await;
    let role = role_arn(&stage, "writer");
    let bearer = token(json!({ "sub": "alice", "role_arn": role }));
    put(&server, &bearer, "first").await.success();
    skew.store(7200, Ordering::Relaxed);
    assert!(stage.aws().delete_role(&role));
    let answer = put(&server, &bearer, "second").await;
    let failure = answer.failure("access_denied");
    assert_eq!(
        (&failure["credential_source"], &failure["details"]["s3_code"]),
        (&json!("jwt"), &json!("ExpiredToken"))
    );
    assert!(!stage.exists(SHARED, "second").await);
}

/// A session in our cache outlives its role, and may nothing any more; a new one is refused.
#[tokio::test]
async fn a_deleted_role_is_denied_and_never_ambient() {
    let stage = Stage::embedded().await;
    let server = server(&stage, &stage.admin, &[]).await;
    let role = role_arn(&stage, "writer");
    let bearer = token(json!({ "sub": "alice", "role_arn": role }));
    stage.seed(SHARED, "there", b"1").await;
    put(&server, &bearer, "before").await.success();
    assert!(stage.aws().delete_role(&role));
    for operation in READS {
        let answer = read(&server, &bearer, operation, SHARED).await;
        assert_eq!(
            answer.failure("access_denied")["credential_source"],
            "jwt",
            "{operation}"
        );
    }
    assert_eq!(
        put(&server, &bearer, "after").await.failure("access_denied")["credential_source"],
        "jwt"
    );
    let status = server.call(&bearer, "auth_status", json!({ "refresh": true })).await;
    assert_eq!(
        status.output()["attempts"][0]["code"],
        "assume_role_failed",
        "{}",
        status.body
    );
    put(&server, &bearer, "after").await.failure("assume_role_failed");
    assert!(!stage.exists(SHARED, "after").await);
}

/// A role's rights are what they are now, also for sessions that we hold.
#[tokio::test]
async fn rights_change_under_a_living_session() {
    let scene = Scene::on(Stage::embedded().await).await;
    let (aws, bearer, role) = (
        scene.stage.aws(),
        scene.bearer("writer"),
        role_arn(&scene.stage, "writer"),
    );
    for (key, action) in [("a", "s3:PutObject"), ("b", "s3:GetObject"), ("c", "s3:PutObject")] {
        assert!(
            aws.set_role_policies(&role, &[policy(action, &format!("arn:aws:s3:::{SHARED}/*"))])
                .unwrap()
        );
        let answer = put(&scene.server, &bearer, key).await;
        if action == "s3:PutObject" {
            answer.success();
        } else {
            answer.failure("access_denied");
        }
        assert_eq!(aws.object_exists(SHARED, key), action == "s3:PutObject", "{key}");
    }
    assert_eq!(assumptions(aws), 1);
}

/// SeaweedFS does not report a session as expired, but its key as unknown: then nothing is asked anew by itself,
/// the caller hears what to do, and doing it helps.
#[tokio::test]
async fn an_expired_session_of_seaweedfs_is_refused_until_it_is_refreshed() {
    let stage = Stage::seaweedfs().await;
    let registry = FakeRegistry::start().await;
    let server = server(&stage, &stage.admin, &[format!("--registry-url={}", registry.url)]).await;
    stage.seed(SHARED, "there", b"1").await;
    let bearer = token(json!({ "sub": "w" }));
    registry.vends(&bearer, Vends::Keys(ending_in(&stage.writer, -60), 3600));
    for operation in READS {
        let answer = read(&server, &bearer, operation, SHARED).await;
        let failure = answer.failure("access_denied");
        assert_eq!(failure["credential_source"], "catalog", "{operation}");
        assert_eq!(
            failure["details"]["s3_code"], "InvalidAccessKeyId",
            "{operation}: {failure}"
        );
        assert!(
            failure["hint"]
                .as_str()
                .unwrap()
                .contains("auth_status with refresh=true"),
            "{failure}"
        );
    }
    assert_eq!(registry.requests().len(), 1);
    // Another end is no reason to refuse a session: it was the end that was over.
    registry.vends(&bearer, Vends::Keys(ending_in(&stage.writer, 600), 3600));
    server
        .call(&bearer, "auth_status", json!({ "refresh": true }))
        .await
        .success();
    put(&server, &bearer, "k").await.success();
}

/// The same session of SeaweedFS with another end: its token is a JWT, and the key that it is signed with is ours.
fn ending_in(keys: &Keys, seconds: i64) -> Keys {
    let secret = base64::prelude::BASE64_STANDARD.decode(SESSION_SIGNING_KEY).unwrap();
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_aud = false;
    let session_token = keys.session_token.as_deref().unwrap();
    // SeaweedFS signs with the key's text or with its bytes; whichever it is, it is checked here.
    let text = SESSION_SIGNING_KEY.as_bytes();
    let (secret, mut claims) = [secret.as_slice(), text]
        .into_iter()
        .find_map(|secret| {
            let key = DecodingKey::from_secret(secret).ok()?;
            Some((
                secret,
                jsonwebtoken::decode::<Value>(session_token, &key, &validation)
                    .ok()?
                    .claims,
            ))
        })
        .unwrap();
    claims["exp"] = json!(crate::support::now() + seconds);
    let session_token = jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        &claims,
        &EncodingKey::from_secret(secret).unwrap(),
    )
    .unwrap();
    Keys {
        session_token: Some(session_token),
        ..keys.clone()
    }
}

/// A server in front of moto with these keys as its own identity.
async fn before_moto(moto: &Moto, own: &Keys, flags: &[String]) -> Server {
    let mut all = vec![
        format!("--s3-endpoint={0}", moto.endpoint),
        format!("--sts-endpoint={0}", moto.endpoint),
        "--ambient=full".to_owned(),
    ];
    all.extend_from_slice(flags);
    Server::start_with(Some(own), &all).await
}

/// A role loses its rights through the API of IAM while a session of it lives.
#[tokio::test]
async fn a_role_of_moto_changes_mid_session() -> anyhow::Result<()> {
    let moto = Moto::start().await?;
    moto.enforce().await?;
    let roles = format!(
        "--assumable-roles={},{}",
        Moto::role_arn("reader"),
        Moto::role_arn("writer")
    );
    // They trust this user and no other.
    let server = before_moto(&moto, &moto.svc, &[format!("--jwt-secret={SECRET}"), roles]).await;
    let bearer = |role: &str| token(json!({ "sub": "alice", "role_arn": Moto::role_arn(role) }));
    let (reader, writer) = (bearer("reader"), bearer("writer"));

    assert_eq!(
        put(&server, &writer, "there").await.success()["credential_source"],
        "jwt"
    );
    assert_eq!(
        put(&server, &reader, "k").await.failure("access_denied")["credential_source"],
        "jwt"
    );
    for operation in READS {
        assert_eq!(
            read(&server, &reader, operation, SHARED).await.success()["credential_source"],
            "jwt",
            "{operation}"
        );
    }

    moto.forbid("writer").await?;
    for operation in READS {
        let answer = read(&server, &writer, operation, SHARED).await;
        assert_eq!(
            answer.failure("access_denied")["credential_source"],
            "jwt",
            "{operation}"
        );
    }
    assert_eq!(
        put(&server, &writer, "after").await.failure("access_denied")["credential_source"],
        "jwt"
    );
    // A new session may no more than the old one.
    let status = server.call(&writer, "auth_status", json!({ "refresh": true })).await;
    assert_eq!(
        status.success()["aws_arn"],
        "arn:aws:sts::123456789012:assumed-role/writer/alice"
    );
    put(&server, &writer, "after").await.failure("access_denied");
    read(&server, &reader, "get", SHARED).await.success();
    Ok(())
}

/// The same refusals as above, of an S3 that tells a missing token from a wrong one.
#[tokio::test]
async fn moto_refuses_sessions_without_their_token() -> anyhow::Result<()> {
    let moto = Moto::start().await?;
    let server = before_moto(&moto, &moto.admin, &[format!("--jwt-secret={SECRET}")]).await;
    moto.enforce().await?;
    let session = |role: &'static str| {
        let (endpoint, svc) = (moto.endpoint.clone(), moto.svc.clone());
        async move { session_at(&endpoint, &svc, role).await }
    };
    let (good, other) = (session("writer").await, session("reader").await.session_token);
    for (name, session_token, code) in [
        ("none", None, "InvalidAccessKeyId"),
        ("other", other, "InvalidToken"),
        ("garbage", Some("garbage".to_owned()), "InvalidToken"),
    ] {
        let keys = Keys {
            session_token,
            ..good.clone()
        };
        let bearer = token(json!({ "sub": name, "aws_credentials": embedding(&keys) }));
        let answer = read(&server, &bearer, "list", SHARED).await;
        let failure = answer.failure("access_denied");
        assert_eq!(
            (&failure["credential_source"], &failure["details"]["s3_code"]),
            (&json!("jwt"), &json!(code)),
            "{name}"
        );
        assert_eq!(
            put(&server, &bearer, name).await.failure("access_denied")["credential_source"],
            "jwt",
            "{name}"
        );
    }
    let bearer = token(json!({ "sub": "good", "aws_credentials": embedding(&good) }));
    put(&server, &bearer, "good").await.success();
    let listed = read(&server, &bearer, "list", SHARED).await;
    let keys: Vec<&Value> = listed.success()["objects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| &o["key"])
        .collect();
    assert_eq!(keys, ["good"], "nothing else was written");
    Ok(())
}

/// A session of one of moto's roles.
async fn session_at(endpoint: &str, svc: &Keys, role: &str) -> Keys {
    let config = aws_sdk_sts::Config::builder()
        .behavior_version(aws_sdk_sts::config::BehaviorVersion::latest())
        .region(aws_sdk_sts::config::Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(svc.credentials());
    let sts = aws_sdk_sts::Client::from_conf(config.build());
    let answer = sts
        .assume_role()
        .role_arn(Moto::role_arn(role))
        .role_session_name("alice")
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

/// The token of an identity provider is exchanged at STS, and the session then works against S3. Moto does not look at
/// the token: that it is a good one is this server's own finding (`jwks`), and that a bad one goes no further.
///
/// The exchange is made before moto enforces rights, for then it answers 500 to a request without a signature, which this
/// one is; what the session may is asked afterwards.
#[tokio::test]
async fn a_web_identity_is_exchanged_for_the_operators_role() -> anyhow::Result<()> {
    let moto = Moto::start().await?;
    let key = SigningKey::new("k", Algorithm::EdDSA);
    let issuer = Issuer::publishing(&[key.published()]).await;
    let mut flags = issuer.flags();
    flags.push(format!("--web-identity-role-arn={}", Moto::role_arn("web")));
    let server = before_moto(&moto, &moto.admin, &flags).await;
    let bearer = key.sign(&json!({ "sub": "alice" }));
    let late = key.sign(&json!({ "sub": "bob" }));

    let status = server.call(&bearer, "auth_status", json!({})).await;
    assert_eq!(status.success()["credential_source"], "jwt");
    assert_eq!(
        status.success()["aws_arn"],
        "arn:aws:sts::123456789012:assumed-role/web/alice"
    );

    moto.enforce().await?;
    assert_eq!(
        put(&server, &bearer, "there").await.success()["credential_source"],
        "jwt"
    );
    for operation in READS {
        assert_eq!(
            read(&server, &bearer, operation, SHARED).await.success()["credential_source"],
            "jwt",
            "{operation}"
        );
    }
    // The session is that role's, and not the server's own identity, which may everything.
    assert_eq!(
        put_to(&server, &bearer, PRIVATE, "k").await.output()["credential_source"],
        "jwt"
    );
    moto.forbid("web").await?;
    assert_eq!(
        put(&server, &bearer, "after").await.failure("access_denied")["credential_source"],
        "jwt"
    );

    // An exchange that fails is the end of it, also where the server's own identity could do what was asked.
    let answer = put(&server, &late, "late").await;
    let attempt = &answer.failure("assume_role_failed")["details"]["attempts"][0];
    assert_eq!(
        (&attempt["source"], &attempt["outcome"]),
        (&json!("jwt"), &json!("failed")),
        "{attempt}"
    );

    // A token of a key that was not published reaches neither STS nor S3.
    let forged = SigningKey::new("k", Algorithm::EdDSA).sign(&json!({ "sub": "alice" }));
    assert_eq!(put(&server, &forged, "forged").await.refused(), (401, "invalid_jwt"));
    Ok(())
}
