//! Ways in which one caller's request or failure could affect another, beside what this server does instead; and
//! properties of the two places where strings decide on rights: role patterns and session names.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Builder, IdentityCache, Region};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use quilt_mcp::aws::s3::ObjectUri;
use quilt_mcp::aws::{AwsCaller, Renew, Signing};
use quilt_mcp::clock::Clock;
use quilt_mcp::credentials::RolePattern;
use serde_json::{Value, json};

use crate::support::faults::by_rule::{RuleProxy, Throttle};
use crate::support::registry::{FakeRegistry, Vends};
use crate::support::server::Server;
use crate::support::stage::{Keys, SHARED, Stage};
use crate::support::{SECRET, now, token};

tokio::task_local! {
    /// Whose request the present task makes, in the constructions that are wrong.
    static CURRENT: Credentials;
}

/// A provider that answers by the current caller, which looks as if it could not confuse two callers.
#[derive(Debug)]
struct WhoeverIsAsking;

impl ProvideCredentials for WhoeverIsAsking {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Ok(CURRENT.get()))
    }
}

/// An S3 with an object, and two users who may read it.
struct Scene {
    stage: Stage,
    alice: Keys,
    bob: Keys,
}

impl Scene {
    async fn new() -> Self {
        let stage = Stage::embedded().await;
        stage.seed(SHARED, "k", b"1").await;
        stage.aws().journal().clear();
        Self {
            alice: stage.mint("reader", 3600),
            bob: stage.mint("reader", 3600),
            stage,
        }
    }

    /// ALICE asks, then BOB, then ALICE again, each by the client that `client` gives; and who S3 saw.
    async fn seen_by_s3(&self, client: impl Fn() -> Client) -> Vec<&'static str> {
        for keys in [&self.alice, &self.bob, &self.alice] {
            let client = client();
            let request = client.head_object().bucket(SHARED).key("k").send();
            CURRENT.scope(keys.credentials(), request).await.unwrap();
        }
        self.signers()
    }

    fn signers(&self) -> Vec<&'static str> {
        let names = BTreeMap::from([
            (self.alice.access_key_id.as_str(), "ALICE"),
            (self.bob.access_key_id.as_str(), "BOB"),
        ]);
        let entries = self.stage.aws().journal().entries();
        entries
            .iter()
            .map(|entry| names[entry.access_key_id.as_deref().unwrap()])
            .collect()
    }

    fn base(&self) -> Builder {
        Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&self.stage.endpoint)
            .force_path_style(true)
    }
}

/// The first hazard: one client with one provider that answers differently for each task. The SDK keeps an identity for
/// each provider, not for each answer.
#[tokio::test]
async fn one_provider_for_everybody_signs_bobs_request_as_alice() {
    let scene = Scene::new().await;
    let naive = Client::from_conf(scene.base().credentials_provider(WhoeverIsAsking).build());
    assert_eq!(scene.seen_by_s3(|| naive.clone()).await, ["ALICE", "ALICE", "ALICE"]);

    // What keeps the shared client of this server from it, should it ever be given a provider.
    let scene = Scene::new().await;
    let uncached = scene
        .base()
        .credentials_provider(WhoeverIsAsking)
        .identity_cache(IdentityCache::no_cache());
    let uncached = Client::from_conf(uncached.build());
    assert_eq!(scene.seen_by_s3(|| uncached.clone()).await, ["ALICE", "BOB", "ALICE"]);
}

/// The second hazard: a new client for each request does not help while they share a provider and, through the settings
/// that `aws-config` loads, a cache.
#[tokio::test]
async fn new_clients_of_one_provider_sign_bobs_request_as_alice() {
    let scene = Scene::new().await;
    let shared = SharedCredentialsProvider::new(WhoeverIsAsking);
    let loaded = aws_config::SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(&scene.stage.endpoint)
        .identity_cache(IdentityCache::lazy().build())
        .build();
    let client = || {
        let of_this_request = loaded.to_builder().credentials_provider(shared.clone()).build();
        Client::from_conf(Builder::from(&of_this_request).force_path_style(true).build())
    };
    assert_eq!(scene.seen_by_s3(client).await, ["ALICE", "ALICE", "ALICE"]);
}

struct NoRenewal;

#[async_trait]
impl Renew for NoRenewal {
    async fn renew(&self, _: &str) -> Option<Signing> {
        None
    }
}

/// The same order of requests through this server's own client: each is signed by the credentials of its handle.
#[tokio::test]
async fn acting_as_signs_each_request_as_its_own_user() {
    let scene = Scene::new().await;
    let (shared, object) = (
        scene.stage.shared_s3(),
        format!("s3://{SHARED}/k").parse::<ObjectUri>().unwrap(),
    );
    let handle = |keys: &Keys| {
        let signing = Signing {
            credentials: keys.credentials(),
            expires_at: None,
        };
        shared.acting_as(AwsCaller::new(signing, &keys.access_key_id, Arc::new(NoRenewal)))
    };
    for keys in [&scene.alice, &scene.bob, &scene.alice] {
        handle(keys).head(&object).await.unwrap();
    }
    // The handles at once, and more than one request of each.
    let (alice, bob) = (handle(&scene.alice), handle(&scene.bob));
    for _ in 0..3 {
        alice.head(&object).await.unwrap();
        bob.head(&object).await.unwrap();
    }
    let expected = ["ALICE", "BOB", "ALICE", "ALICE", "BOB", "ALICE", "BOB", "ALICE", "BOB"];
    assert_eq!(scene.signers(), expected);
}

/// A token that is the same in every run: callers are spread over retry budgets by a hash of their token, and two of them
/// could meet in one. These two do not.
fn steady_token(subject: &str) -> String {
    token(json!({ "sub": subject, "exp": 4_102_444_800_i64 }))
}

/// S3 throttles ALICE for ever. Her retries use up a budget that the SDK would share among all callers of the process; BOB
/// meets a single 503, and it must be retried.
#[tokio::test]
async fn one_user_throttled_for_ever_does_not_cost_another_a_retry() {
    let scene = Scene::new().await;
    let (registry, faults) = (
        FakeRegistry::start().await,
        RuleProxy::before(&scene.stage.endpoint).await,
    );
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--registry-url={}", registry.url),
        format!("--s3-endpoint={}", faults.url),
    ];
    let server = Server::start_with(None, &flags).await;
    let (alice, bob) = (steady_token("alice"), steady_token("bob"));
    registry.vends(&alice, Vends::Keys(scene.alice.clone(), 3600));
    registry.vends(&bob, Vends::Keys(scene.bob.clone(), 3600));
    faults.throttle(&scene.alice.access_key_id, Throttle::Always);

    let read = async |bearer: &str| {
        server
            .call(
                bearer,
                "bucket_object_text",
                json!({ "s3_uri": format!("s3://{SHARED}/k") }),
            )
            .await
    };
    let tries = |keys: &Keys| faults.requests(&keys.access_key_id).len();
    // A budget is 500, a retry costs 5, and a call makes two. Other tests that share her budget add to it.
    let mut calls = 0;
    loop {
        let before = tries(&scene.alice);
        assert_eq!(read(&alice).await.failure("throttled")["retryable"], true);
        if tries(&scene.alice) == before + 1 {
            break;
        }
        calls += 1;
        assert!(calls < 1000, "she never ran out of retries");
    }
    assert!(calls > 0, "she had no retries to use up");

    for _ in 0..20 {
        read(&alice).await.failure("throttled");
        faults.throttle(&scene.bob.access_key_id, Throttle::Times(1));
        assert_eq!(read(&bob).await.success()["text"], "1");
    }
    assert_eq!(faults.requests(&scene.bob.access_key_id), [true, false].repeat(20));
}

/// The registry's keys last an hour, the token two minutes: cached credentials end with the token, within the grace that its
/// verification grants to clocks, and with it ends the caller.
#[tokio::test]
async fn no_cache_entry_outlives_a_token_that_ends_in_two_minutes() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let (began, later) = (now(), Arc::new(AtomicI64::new(0)));
    let seconds = later.clone();
    let clock = Clock::from_fn(move || jiff::Timestamp::from_second(began + seconds.load(Ordering::Relaxed)).unwrap());
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--registry-url={}", registry.url),
        format!("--s3-endpoint={}", stage.endpoint),
    ];
    let server = Server::start_at(Some(&stage.admin), &flags, clock).await;
    // At each second: how often the registry has been asked by then, and whether the caller is let in.
    let at = async |bearer: &str, second: i64| {
        later.store(second, Ordering::Relaxed);
        let answer = server
            .call(bearer, "bucket_objects_list", json!({ "bucket": SHARED }))
            .await;
        if answer.status == 200 {
            assert_eq!(answer.success()["credential_source"], "catalog", "{second}");
        } else {
            assert_eq!(answer.refused(), (401, "token_expired"), "{second}");
        }
        (answer.status, registry.requests().len())
    };

    let bearer = token(json!({ "sub": "long-lived-keys", "exp": began + 120 }));
    registry.vends(&bearer, Vends::Keys(stage.reader.clone(), 3600));
    assert_eq!(at(&bearer, 0).await, (200, 1));
    assert_eq!(at(&bearer, 119).await, (200, 1), "it is kept");
    assert_eq!(
        at(&bearer, 120).await,
        (200, 2),
        "the token is over: in its grace, nothing is kept"
    );
    assert_eq!(at(&bearer, 149).await, (200, 3));
    assert_eq!(at(&bearer, 150).await, (401, 3));

    // Keys that end before the token: the entry is dead after half their life.
    let bearer = token(json!({ "sub": "short-lived-keys", "exp": began + 120 }));
    registry.vends(&bearer, Vends::Keys(stage.reader.clone(), 60));
    assert_eq!(at(&bearer, 0).await, (200, 4));
    assert_eq!(at(&bearer, 20).await, (200, 4));
    registry.vends(&bearer, Vends::Keys(stage.reader.clone(), 3600));
    assert_eq!(at(&bearer, 40).await, (200, 5));
    assert_eq!(at(&bearer, 119).await, (200, 5));
    assert_eq!(at(&bearer, 150).await, (401, 5));
}

/// The documented rule in a few lines: `*` stands for anything but a slash, everything else for itself.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            matches(rest, text)
                || text
                    .split_first()
                    .is_some_and(|(c, text)| *c != b'/' && matches(pattern, text))
        }
        (Some((a, pattern)), Some((b, text))) => a == b && matches(pattern, text),
        _ => false,
    }
}

const ROLE: &str = "arn:aws:iam::123456789012:role/";

proptest! {
    /// Patterns of few letters, so that texts of the same letters often match.
    #[test]
    fn a_role_pattern_allows_what_its_words_say(
        pattern in "[ab/*.+-]{1,8}",
        texts in proptest::collection::vec("[ab/*.+-]{0,8}", 8),
        fillings in proptest::collection::vec("[ab/.]{0,3}", 8),
    ) {
        let Ok(parsed) = format!("{ROLE}{pattern}").parse::<RolePattern>() else {
            let covers_too_much = pattern.contains("**") || pattern.chars().all(|c| "*/".contains(c));
            prop_assert!(covers_too_much, "{pattern} was refused");
            return Ok(());
        };
        prop_assert!(!pattern.contains("**") && pattern.chars().any(|c| !"*/".contains(c)), "{pattern} was taken");
        // Each star filled with something: these match unless a filling holds a slash.
        let filled = fillings.iter().map(|filling| pattern.replace('*', filling));
        for text in texts.into_iter().chain(filled) {
            let expected = matches(pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(parsed.allows(&format!("{ROLE}{text}")), expected, "{} and {}", pattern, text);
        }
    }

    /// Whatever an entry of the list is, it covers no other account, partition or kind of thing, whose name would do.
    #[test]
    fn a_role_pattern_stays_in_its_account(
        pattern in "[a-zA-Z0-9_+=,.@/*-]{1,20}",
        partition in "aws|aws-cn|aws-us-gov|awsx|\\*",
        account in "[0-9]{11,13}|\\*|123456789012",
        kind in "role|user|assumed-role|\\*",
    ) {
        let Ok(parsed) = format!("{ROLE}{pattern}").parse::<RolePattern>() else { return Ok(()) };
        let name = pattern.replace('*', "x");
        let (own, arn) = (format!("{ROLE}{name}"), format!("arn:{partition}:iam::{account}:{kind}/{name}"));
        prop_assert!(parsed.allows(&own), "{pattern} does not allow {own}");
        prop_assert_eq!(parsed.allows(&arn), arn == own, "{} and {}", pattern, arn);
        for odd in [name.clone(), format!(" {own}"), format!("{own}{own}"), own.replace("arn:", "ARN:")] {
            prop_assert!(!parsed.allows(&odd), "{pattern} allows {odd}");
        }
    }

    /// No text makes it panic, and what it takes names one account.
    #[test]
    fn whatever_is_taken_for_a_role_pattern_names_one_account(
        text in "\\PC{0,40}|arn:aws(-cn)?:iam::[0-9*]{11,13}:(role|user)/[a-z/*?\\[\\]{}!]{0,6}",
    ) {
        if text.parse::<RolePattern>().is_ok() {
            let account = text.trim().split(':').nth(4).unwrap_or_default();
            prop_assert!(account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()), "{text}");
            prop_assert!(!text.contains(['?', '[', ']', '{', '}', '!']), "{text}");
        }
    }
}

/// The subject of a token is the session's name, with each character that STS would refuse escaped, or there is no session:
/// what would have to be cut never reaches it.
#[test]
fn a_session_is_named_by_the_whole_subject_or_not_opened() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (stage, server, role) = runtime.block_on(async {
        let stage = Stage::embedded().await;
        let role = stage.aws().role_arn("it/writer");
        let flags = [format!("--jwt-secret={SECRET}"), format!("--assumable-roles={role}")];
        let server = Server::start(&stage, Some(&stage.admin), &flags).await;
        (stage, server, role)
    });
    // Subjects that begin alike and are too long are no better than others.
    let subjects = prop_oneof![
        "[A-Za-z0-9_+=,.@-]{1,70}",
        "[a-z@|: /ü]{0,10}",
        "\\PC{0,12}",
        "[ab]{0,2}".prop_map(|end| "x".repeat(63) + &end),
        "[a-z]{2,8}".prop_flat_map(|name| "[\u{0}\n\t \u{a0}]".prop_map(move |space| format!("{name}{space}"))),
    ];
    let config = ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let tokens = AtomicI64::new(0);
    let outcome = TestRunner::new(config).run(&subjects, |subject| {
        stage.aws().journal().clear();
        // Subjects come twice; their tokens must not, for the session of a token is kept.
        let id = tokens.fetch_add(1, Ordering::Relaxed);
        let bearer = token(json!({ "sub": subject, "role_arn": role, "jti": id }));
        let arguments = json!({ "bucket": SHARED });
        let answer = runtime.block_on(server.call(&bearer, "bucket_objects_list", arguments));
        let escaped = subject.bytes().map(|byte| match byte {
            b'_' | b'+' | b',' | b'.' | b'@' | b'-' => char::from(byte).to_string(),
            _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            _ => format!("={byte:02X}"),
        });
        let name: String = escaped.collect();
        let is_name = (2..=64).contains(&name.len());
        let entries = stage.aws().journal().entries();
        let opened: Vec<_> = entries.iter().filter(|entry| entry.operation == "AssumeRole").collect();
        if is_name {
            prop_assert_eq!(&answer.output()["credential_source"], &json!("jwt"), "{}", answer.body);
            prop_assert_eq!(opened.len(), 1);
            prop_assert_eq!(opened[0].session_name.as_deref(), Some(name.as_str()));
        } else {
            prop_assert_eq!(
                &answer.output()["error_code"],
                &json!("assume_role_failed"),
                "{}",
                answer.body
            );
            let attempt: &Value = &answer.output()["details"]["attempts"][0];
            prop_assert_eq!(&attempt["outcome"], &json!("denied"));
            prop_assert!(entries.is_empty(), "{:?}", entries);
        }
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}
