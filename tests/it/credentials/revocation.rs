//! How long credentials stay in use after the registry revoked a token or switched a role.
//!
//! An opaque token (registry mode, and API keys in the other modes) is proved by its registry, and the proof is good for five
//! minutes. A signed token proves itself until it expires; its credentials are replaced when their cache entry ends.

use jiff::SignedDuration;
use quilt_mcp::clock::{Clock, ManualClock};
use serde_json::{Value, json};

use crate::support::registry::{FakeRegistry, Vends};
use crate::support::server::Server;
use crate::support::stage::{Keys, SHARED, Stage};
use crate::support::{SECRET, token};

/// Longest time for which a proof is good.
const PROOF: SignedDuration = SignedDuration::from_mins(5);
/// A moment before and after that.
const MARGIN: SignedDuration = SignedDuration::from_secs(2);

struct Scene {
    stage: Stage,
    registry: FakeRegistry,
    clock: ManualClock,
    server: Server,
}

impl Scene {
    async fn with(flags: &[String]) -> Self {
        let stage = Stage::embedded().await;
        let registry = FakeRegistry::start().await;
        let clock = ManualClock::new(Clock::system().now());
        let mut all = vec![
            format!("--s3-endpoint={}", stage.endpoint),
            format!("--sts-endpoint={}", stage.endpoint),
            format!("--registry-url={}", registry.url),
        ];
        all.extend_from_slice(flags);
        let server = Server::start_at(None, &all, clock.clock()).await;
        Self {
            stage,
            registry,
            clock,
            server,
        }
    }

    /// Vends these keys for an hour of the scene's clock.
    fn vends(&self, bearer: &str, keys: &Keys) {
        let passed = self.clock.clock().now().duration_since(Clock::system().now());
        self.registry
            .vends(bearer, Vends::Keys(keys.clone(), 3600 + passed.as_secs()));
    }

    async fn status(&self, bearer: &str) -> crate::support::server::Answer {
        self.server.call(bearer, "auth_status", json!({})).await
    }

    /// Calls `auth_status`, which must succeed, and returns how often the registry was asked for credentials for it.
    async fn asked(&self, bearer: &str) -> (usize, Value) {
        let before = self.registry.asked_for_credentials();
        let status = self.status(bearer).await.success().clone();
        (self.registry.asked_for_credentials() - before, status)
    }
}

/// The modes in which a bearer is opaque, with such a bearer.
fn opaque_bearers() -> [(Vec<String>, &'static str); 2] {
    [
        (Vec::new(), "an-opaque-token"),
        (vec![format!("--jwt-secret={SECRET}")], "qk_an-api-key"),
    ]
}

#[tokio::test]
async fn a_revoked_opaque_token_ends_within_five_minutes() {
    for (flags, bearer) in opaque_bearers() {
        for (revoked, refused) in [
            (Vends::Status(401), (401, "invalid_jwt")),
            (Vends::Status(403), (403, "forbidden")),
        ] {
            let scene = Scene::with(&flags).await;
            scene.vends(bearer, &scene.stage.reader);
            assert_eq!(scene.asked(bearer).await.0, 1);
            scene.registry.vends(bearer, revoked);
            scene.clock.advance(PROOF - MARGIN);
            assert_eq!(scene.asked(bearer).await.0, 0, "the proof is still good");
            scene.clock.advance(MARGIN * 2);
            assert_eq!(scene.status(bearer).await.refused(), refused, "{flags:?}");
        }
    }
}

#[tokio::test]
async fn a_new_proof_is_one_question_for_all_calls_and_brings_new_credentials() {
    for (flags, bearer) in opaque_bearers() {
        let scene = Scene::with(&flags).await;
        scene.vends(bearer, &scene.stage.reader);
        let items = json!([{ "key": "after-the-switch", "text": "x" }]);
        let put = json!({ "bucket": SHARED, "items": items });
        scene
            .server
            .call(bearer, "bucket_objects_put", put.clone())
            .await
            .failure("access_denied");
        // The user switches the role in the catalog.
        scene.vends(bearer, &scene.stage.writer);
        scene.clock.advance(PROOF + MARGIN);
        let before = scene.registry.asked_for_credentials();
        let calls = (0..8).map(|_| scene.status(bearer));
        for status in futures::future::join_all(calls).await {
            status.success();
        }
        assert_eq!(scene.registry.asked_for_credentials() - before, 1);
        scene.server.call(bearer, "bucket_objects_put", put).await.success();
    }
}

#[tokio::test]
async fn credentials_stay_in_use_while_the_registry_is_away_for_their_own_life_at_most() {
    for (flags, bearer) in opaque_bearers() {
        let away = [Vends::Status(500), Vends::Html, Vends::Status(404), Vends::Nonsense];
        let scene = Scene::with(&flags).await;
        scene.vends(bearer, &scene.stage.reader);
        assert_eq!(scene.asked(bearer).await.0, 1);
        for (minutes, vends) in (6..).step_by(6).zip(away.iter().cycle()) {
            scene.registry.vends(bearer, vends.clone());
            scene.clock.advance(SignedDuration::from_mins(6));
            if minutes >= 55 {
                break;
            }
            let (asked, status) = scene.asked(bearer).await;
            assert_eq!(
                (asked, &status["credential_source"]),
                (1, &json!("catalog")),
                "{minutes}"
            );
            assert_eq!(scene.asked(bearer).await.0, 0, "not asked again at once");
        }
        assert_eq!(scene.status(bearer).await.refused(), (503, "verifier_unavailable"));
        // The registry is back, and does not know the token any more.
        scene.registry.vends(bearer, Vends::Status(401));
        scene.clock.advance(MARGIN);
        assert_eq!(scene.status(bearer).await.refused(), (401, "invalid_jwt"));
    }
}

/// The registry is back while the credentials still live, and refuses the token: they are dropped, and stay dropped.
#[tokio::test]
async fn a_refusal_after_an_outage_drops_the_credentials() {
    for (flags, bearer) in opaque_bearers() {
        let scene = Scene::with(&flags).await;
        scene.vends(bearer, &scene.stage.reader);
        scene.status(bearer).await.success();
        scene.registry.vends(bearer, Vends::Status(500));
        scene.clock.advance(PROOF + MARGIN);
        scene.status(bearer).await.success();
        scene.registry.vends(bearer, Vends::Status(401));
        scene.clock.advance(SignedDuration::from_secs(31));
        assert_eq!(scene.status(bearer).await.refused(), (401, "invalid_jwt"));
        scene.registry.vends(bearer, Vends::Status(500));
        scene.clock.advance(SignedDuration::from_secs(6));
        assert_eq!(scene.status(bearer).await.refused(), (503, "verifier_unavailable"));
    }
}

/// A signed token is valid until it expires, whatever the registry says of it meanwhile: its credentials are used until five
/// minutes before they expire, or until the caller asks for new ones.
#[tokio::test]
async fn a_role_switch_of_a_signed_token_shows_with_the_next_credentials_or_a_refresh() {
    let scene = Scene::with(&[format!("--jwt-secret={SECRET}")]).await;
    let bearer = token(json!({ "sub": "alice", "exp": crate::support::now() + 6 * 3600 }));
    scene.vends(&bearer, &scene.stage.reader);
    let arn = async || scene.status(&bearer).await.success()["aws_arn"].clone();
    let reader = arn().await;
    scene.vends(&bearer, &scene.stage.writer);
    scene.clock.advance(SignedDuration::from_mins(54));
    assert_eq!(arn().await, reader);
    scene.vends(&bearer, &scene.stage.writer);
    scene.clock.advance(SignedDuration::from_mins(2));
    let writer = arn().await;
    assert_ne!(writer, reader);
    scene.vends(&bearer, &scene.stage.reader);
    let refreshed = scene
        .server
        .call(&bearer, "auth_status", json!({ "refresh": true }))
        .await;
    assert_eq!(refreshed.success()["aws_arn"], reader);
}

/// A registry that does not say when its credentials expire is asked again after five minutes.
#[tokio::test]
async fn credentials_without_an_expiry_are_cached_for_five_minutes() {
    for (flags, bearer) in [
        (Vec::new(), "an-opaque-token".to_owned()),
        (vec![format!("--jwt-secret={SECRET}")], token(json!({ "sub": "alice" }))),
    ] {
        let scene = Scene::with(&flags).await;
        scene
            .registry
            .vends(&bearer, Vends::Endless(scene.stage.reader.clone()));
        let (asked, status) = scene.asked(&bearer).await;
        assert_eq!((asked, &status["credentials_expire_at"]), (1, &Value::Null), "{status}");
        scene.clock.advance(PROOF - MARGIN);
        assert_eq!(scene.asked(&bearer).await.0, 0);
        scene.clock.advance(MARGIN * 2);
        assert_eq!(scene.asked(&bearer).await.0, 1);
        let list = json!({ "bucket": SHARED });
        scene.server.call(&bearer, "bucket_objects_list", list).await.success();
    }
}
