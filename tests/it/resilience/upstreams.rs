//! Upstreams that fail: retries, open circuits and their duration, and callers who are not affected.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use jsonwebtoken::Algorithm;
use quilt_mcp::app::Overrides;
use quilt_mcp::clock::Clock;
use quilt_mcp::resilience::RetryPolicy;
use reqwest::dns::{Name, Resolve, Resolving};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use wiremock::matchers::{any, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::faults::tcp::{FullBacklog, Mode, TcpProxy};
use crate::support::issuer::{AUDIENCE, ISSUER, SigningKey};
use crate::support::registry::{FakeRegistry, Vends};
use crate::support::server::{Answer, Server, overrides};
use crate::support::stage::{PRIVATE, SHARED, Stage};
use crate::support::{SECRET, token};

/// Long enough that a test which waits for it has failed.
const NEVER: Duration = Duration::from_secs(30);
const CREDENTIALS: &str = "/api/auth/get_credentials";

/// A clock that goes on by itself and can be put forward.
#[derive(Clone, Default)]
struct Later(Arc<AtomicI64>);

impl Later {
    fn clock(&self) -> Clock {
        // It stands still between two moves, so that no machine is too slow for a test.
        let (began, seconds) = (Clock::system().now(), self.0.clone());
        Clock::from_fn(move || began + SignedDuration::from_secs(seconds.load(Ordering::Relaxed)))
    }

    fn by(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

fn flags(stage: &Stage, registry: &str) -> Vec<String> {
    vec![
        format!("--jwt-secret={SECRET}"),
        format!("--registry-url={registry}"),
        format!("--s3-endpoint={}", stage.endpoint),
        format!("--sts-endpoint={}", stage.endpoint),
        "--ambient=full".to_owned(),
    ]
}

/// A bearer of this name whom the registry vends a reader's keys.
fn reader(name: &str, registry: &FakeRegistry, stage: &Stage) -> String {
    let bearer = token(json!({ "sub": name }));
    registry.vends(&bearer, Vends::Keys(stage.mint("reader", 3600), 3600));
    bearer
}

async fn list(server: &Server, bearer: &str) -> Answer {
    server
        .call(bearer, "bucket_objects_list", json!({ "bucket": SHARED }))
        .await
}

/// A registry that answers its first requests of a path with this, and then with keys or another response.
async fn stumbling(first: ResponseTemplate, times: u64, then: ResponseTemplate) -> MockServer {
    let registry = MockServer::start().await;
    Mock::given(any())
        .respond_with(first)
        .up_to_n_times(times)
        .with_priority(1)
        .mount(&registry)
        .await;
    Mock::given(any())
        .respond_with(then)
        .with_priority(2)
        .mount(&registry)
        .await;
    registry
}

fn keys(stage: &Stage) -> ResponseTemplate {
    let keys = &stage.reader;
    ResponseTemplate::new(200).set_body_json(json!({
        "AccessKeyId": keys.access_key_id, "SecretAccessKey": keys.secret_access_key,
        "SessionToken": keys.session_token, "Expiration": Clock::system().now() + SignedDuration::from_hours(1),
    }))
}

async fn asked(party: &MockServer) -> usize {
    party.received_requests().await.unwrap().len()
}

/// The rule: a gateway's answer that its upstream is gone is retried once, every other answer stands.
#[tokio::test]
async fn a_registry_that_stumbles_is_asked_once_more_and_no_other_is() {
    let stage = Stage::embedded().await;
    for (status, requests, code) in [
        (502, 2, None),
        (503, 2, None),
        (504, 2, None),
        (500, 1, Some("request_failed")),
        (501, 1, Some("request_failed")),
        (429, 1, Some("request_failed")),
        (302, 1, Some("request_failed")),
        (401, 1, Some("invalid_jwt")),
        (403, 1, Some("forbidden")),
    ] {
        let registry = stumbling(ResponseTemplate::new(status), 1, keys(&stage)).await;
        let server = Server::start_with(Some(&stage.admin), &flags(&stage, &registry.uri())).await;
        let answer = list(&server, &token(json!({ "sub": "a" }))).await;
        match code {
            None => assert_eq!(answer.success()["credential_source"], "catalog", "{status}"),
            Some(code) => drop(answer.failure(code)),
        }
        assert_eq!(asked(&registry).await, requests, "{status}");
    }
    for stumbles in [2, 99] {
        let registry = stumbling(ResponseTemplate::new(503), stumbles, keys(&stage)).await;
        let server = Server::start_with(Some(&stage.admin), &flags(&stage, &registry.uri())).await;
        let answer = list(&server, &token(json!({ "sub": "a" }))).await;
        assert_eq!(answer.failure("request_failed")["retryable"], true);
        assert_eq!(asked(&registry).await, 2, "once more, and not again");
    }
}

/// A connection that breaks is asked about once more; a registry that lets the whole time pass is not, for its caller has
/// waited long enough.
#[tokio::test]
async fn a_broken_connection_is_repeated_and_a_long_silence_is_not() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let proxy = TcpProxy::before(&registry.url).await;
    let server = Server::start_with(Some(&stage.admin), &flags(&stage, &proxy.url)).await;
    for (mode, connections, code) in [(Mode::Close, 2, "request_failed"), (Mode::Silent, 1, "timeout")] {
        proxy.set(mode);
        let before = proxy.connections();
        let answer = list(&server, &reader(&format!("{mode:?}"), &registry, &stage)).await;
        let failure = answer.failure(code);
        assert_eq!(failure["details"]["attempts"][1]["outcome"], "failed", "{failure}");
        assert_eq!(proxy.connections() - before, connections, "{mode:?}");
    }
    assert!(
        stage.aws().journal().is_empty(),
        "and the server's own rights are not used instead"
    );
}

/// What else asks over HTTP: GraphQL, the catalog's config and a provider's keys once more; the exchange of a token, which is
/// good for one use, never.
#[tokio::test]
async fn every_question_that_changes_nothing_is_repeated() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let unavailable = || ResponseTemplate::new(503);

    let catalog = stumbling(
        unavailable(),
        1,
        ResponseTemplate::new(200).set_body_json(json!({ "registryUrl": registry.url })),
    )
    .await;
    let mut with_catalog = flags(&stage, &registry.url);
    with_catalog[1] = format!("--catalog-url={}", catalog.uri());
    let server = Server::start_with(None, &with_catalog).await;
    list(&server, &reader("config", &registry, &stage)).await.success();
    assert_eq!(asked(&catalog).await, 2);

    let graphql = MockServer::start().await;
    let me = json!({ "data": { "me": null, "buckets": [] } });
    Mock::given(path(CREDENTIALS))
        .respond_with(keys(&stage))
        .mount(&graphql)
        .await;
    let stumbles = Mock::given(path("/graphql"))
        .respond_with(unavailable())
        .up_to_n_times(1)
        .with_priority(1);
    stumbles.mount(&graphql).await;
    let answers = Mock::given(path("/graphql")).respond_with(ResponseTemplate::new(200).set_body_json(me));
    answers.with_priority(2).mount(&graphql).await;
    let server = Server::start_with(None, &flags(&stage, &graphql.uri())).await;
    // The second answer came through: it is the one that reports no login.
    server
        .call(&token(json!({ "sub": "g" })), "bucket_list", json!({}))
        .await
        .failure("invalid_jwt");
    assert_eq!(asked(&graphql).await, 3);

    let key = SigningKey::new("k", Algorithm::ES256);
    let published = ResponseTemplate::new(200).set_body_json(json!({ "keys": [key.published()] }));
    let issuer = stumbling(unavailable(), 1, published).await;
    let server = Server::start_with(None, &provider(&issuer.uri())).await;
    assert_eq!(
        server
            .call(&key.sign(&json!({})), "auth_status", json!({}))
            .await
            .status,
        200
    );
    assert_eq!(asked(&issuer).await, 2);

    let exchange = stumbling(unavailable(), 1, keys(&stage)).await;
    let own = [
        format!("--registry-url={}", exchange.uri()),
        "--api-token=a-refresh-token".to_owned(),
    ];
    let server = Server::start_with(None, &own).await;
    let answer = server.rpc(None, "tools/call", json!({ "name": "auth_status" })).await;
    assert_eq!(
        (answer.refused(), asked(&exchange).await),
        ((503, "verifier_unavailable"), 1)
    );
}

fn provider(url: &str) -> Vec<String> {
    vec![
        format!("--jwt-jwks-url={url}/keys"),
        format!("--jwt-issuer={ISSUER}"),
        format!("--jwt-audience={AUDIENCE}"),
    ]
}

/// A registry that fails every other caller, which no breaker minds: the process repeats little more than a tenth of what is
/// answered.
#[tokio::test]
async fn repetitions_are_paid_from_a_budget_of_the_process() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let server = Server::start_with(None, &flags(&stage, &registry.url)).await;
    let calls = 60;
    for i in 0..calls {
        let failing = token(json!({ "sub": format!("failing-{i}") }));
        registry.vends(&failing, Vends::Status(503));
        list(&server, &failing).await.failure("request_failed");
        list(&server, &reader(&format!("good-{i}"), &registry, &stage))
            .await
            .success();
    }
    let repeated = registry.asked_for_credentials() - 2 * calls;
    assert!(
        (10..=40).contains(&repeated),
        "{repeated} of {calls} failures were repeated"
    );
}

/// Callers who are refused, and callers on whose request the registry fails, are answers: however many there are, everybody
/// else is served.
#[tokio::test]
async fn denials_take_the_registry_from_nobody() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let server = Server::start_with(Some(&stage.admin), &flags(&stage, &registry.url)).await;
    for status in [400, 401, 403, 404, 429, 500] {
        for i in 0..12 {
            let refused = token(json!({ "sub": format!("{status}-{i}") }));
            registry.vends(&refused, Vends::Status(status));
            let before = registry.asked_for_credentials();
            list(&server, &refused).await;
            assert_eq!(registry.asked_for_credentials() - before, 1, "{status}");
        }
        let good = list(&server, &reader(&format!("good-{status}"), &registry, &stage)).await;
        assert_eq!(good.success()["credential_source"], "catalog", "{status}");
    }
}

/// A dead registry is left alone after five silences; what fails then fails at once, as a failure and never with the server's
/// own rights; after five seconds one caller asks, and the others hear of it.
#[tokio::test]
async fn a_dead_registry_is_left_alone_and_then_asked_by_one() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let proxy = TcpProxy::before(&registry.url).await;
    let later = Later::default();
    let server = Server::start_at(Some(&stage.admin), &flags(&stage, &proxy.url), later.clock()).await;
    proxy.set(Mode::Silent);
    for i in 0..5 {
        list(&server, &reader(&format!("first-{i}"), &registry, &stage))
            .await
            .failure("timeout");
    }
    let resting = async |name: &str, seconds: i64| {
        let before = proxy.connections();
        let bearer = reader(name, &registry, &stage);
        let items = json!([{ "key": name, "text": "x" }]);
        let answer = server
            .call(
                &bearer,
                "bucket_objects_put",
                json!({ "bucket": SHARED, "items": items }),
            )
            .await;
        let failure = answer.failure("request_failed");
        let sentence = failure["error"].as_str().unwrap();
        assert!(
            sentence.contains(&format!("is asked again in {seconds} s")),
            "{sentence}"
        );
        assert_eq!(failure["retryable"], true);
        assert_eq!(failure["details"]["attempts"][1]["outcome"], "failed");
        assert_eq!(proxy.connections(), before, "no question is sent");
    };
    resting("now", 5).await;
    later.by(4);
    resting("soon", 1).await;

    // The next one asks, and while there is no answer the others do not.
    later.by(1);
    let probe = reader("probe", &registry, &stage);
    let before = proxy.connections();
    let meanwhile = async {
        while proxy.connections() == before {
            tokio::task::yield_now().await;
        }
        resting("meanwhile", 1).await;
    };
    let (probed, ()) = tokio::join!(list(&server, &probe), meanwhile);
    probed.failure("timeout");
    resting("after the probe", 5).await;

    proxy.set(Mode::Forward);
    later.by(5);
    list(&server, &reader("back", &registry, &stage)).await.success();
    list(&server, &reader("back too", &registry, &stage)).await.success();
    assert!(
        stage
            .aws()
            .journal()
            .entries()
            .iter()
            .all(|entry| entry.operation == "ListObjectsV2")
    );
}

/// One caller for whom the registry never answers does not take it from the others.
#[tokio::test]
async fn one_callers_silence_takes_the_registry_from_nobody() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let later = Later::default();
    let flags = [flags(&stage, &registry.url), vec!["--tool-timeout=40s".to_owned()]].concat();
    let clock = later.clock();
    let patience = Overrides {
        clock,
        registry_timeout: Duration::from_millis(50),
        ..overrides(None)
    };
    let server = Server::start_in(&flags, patience).await;
    let slow = token(json!({ "sub": "slow" }));
    registry.vends(&slow, Vends::Hangs);
    for _ in 0..12 {
        list(&server, &slow).await.failure("timeout");
        // A failure is kept for a second.
        later.by(2);
    }
    assert_eq!(registry.asked_for_credentials(), 12);
    list(&server, &reader("good", &registry, &stage)).await.success();
}

/// In `registry` mode the registry is the proof too. Who was proved goes on, who was not is told when to come again.
#[tokio::test]
async fn an_open_breaker_does_not_lock_out_who_was_proved_before() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let proxy = TcpProxy::before(&registry.url).await;
    let flags = [
        format!("--registry-url={}", proxy.url),
        format!("--s3-endpoint={}", stage.endpoint),
        "--verify=registry".to_owned(),
    ];
    let server = Server::start_at(Some(&stage.admin), &flags, Later::default().clock()).await;
    registry.vends("opaque-known", Vends::Keys(stage.mint("reader", 3600), 3600));
    list(&server, "opaque-known").await.success();
    proxy.set(Mode::Close);
    for i in 0..5 {
        let answer = list(&server, &format!("opaque-{i}")).await;
        assert_eq!(answer.refused(), (503, "verifier_unavailable"));
    }
    let made = proxy.connections();
    let answer = list(&server, "opaque-late").await;
    assert_eq!(answer.refused(), (503, "verifier_unavailable"));
    assert!(answer.headers.contains_key("retry-after"));
    let sentence = answer.body["error"]["message"].as_str().unwrap();
    assert!(sentence.contains("is asked again in 5 s"), "{sentence}");
    assert_eq!(
        list(&server, "opaque-known").await.success()["credential_source"],
        "catalog"
    );
    assert_eq!(proxy.connections(), made);
}

/// A registry that hangs for some: whose credentials are cached works at once, whose are not does not wait for the others, and
/// no more than 64 wait for it, so that calls which need nothing of it find room.
#[tokio::test]
async fn a_registry_that_hangs_holds_up_only_those_who_wait_for_it() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let retry_policy = RetryPolicy {
        max_backoff: Duration::from_millis(1),
        max_queue_wait: Duration::from_millis(1),
    };
    let patience = Overrides {
        registry_timeout: NEVER * 4,
        retry_policy,
        ..overrides(None)
    };
    let server = Server::start_in(&flags(&stage, &registry.url), patience).await;
    let cached = reader("cached", &registry, &stage);
    list(&server, &cached).await.success();

    let hanging: Vec<String> = (0..64)
        .map(|i| token(json!({ "sub": format!("hanging-{i}") })))
        .collect();
    for bearer in &hanging {
        registry.vends(bearer, Vends::Hangs);
    }
    let (most, last) = hanging.split_at(63);
    let waiting = |some: &[String]| {
        let calls: Vec<_> = some.iter().map(|bearer| (server.url.clone(), bearer.clone())).collect();
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move {
            let calls = calls
                .into_iter()
                .map(|(url, bearer)| async move { list(&Server::at(url), &bearer).await });
            futures::future::join_all(calls).await;
        })
    };
    let came = async |count: usize| {
        let all = async {
            while registry.asked_for_credentials() < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(NEVER, all).await.unwrap();
    };
    let before = registry.asked_for_credentials();
    let first = waiting(most);
    came(before + 63).await;
    let new = reader("new", &registry, &stage);
    let works = async { tokio::join!(list(&server, &cached), list(&server, &new)) };
    let (of_cached, of_new) = tokio::time::timeout(NEVER, works).await.unwrap();
    of_cached.success();
    of_new.success();

    let second = waiting(last);
    came(before + 65).await;
    let crowded = reader("one too many", &registry, &stage);
    let answer = tokio::time::timeout(NEVER, list(&server, &crowded)).await.unwrap();
    let sentence = answer.failure("request_failed")["error"].as_str().unwrap();
    assert!(sentence.contains("too many questions"), "{sentence}");
    list(&server, &cached).await.success();
    first.abort();
    second.abort();
}

/// Those who wait for a provider's keys hear together that there are none, however long it took to find out.
#[tokio::test]
async fn a_provider_that_hangs_makes_no_queue_and_is_left_alone() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let (counted, later) = (asked.clone(), Later::default());
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((stream, _)) = silent.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            kept.push(stream);
        }
    });
    // Each question takes ten seconds by this clock.
    let (clock, counted) = (later.clock(), asked.clone());
    let clock = Clock::from_fn(move || {
        let questions = i64::try_from(counted.load(Ordering::Relaxed)).unwrap();
        clock.now() + SignedDuration::from_secs(10 * questions)
    });
    let server = Server::start_at(None, &provider(&url), clock).await;
    let key = SigningKey::new("k", Algorithm::ES256);
    let bearers: Vec<String> = (0..20).map(|i| key.sign(&json!({ "sub": format!("u{i}") }))).collect();
    let calls = bearers
        .iter()
        .map(|bearer| server.call(bearer, "auth_status", json!({})));
    for answer in futures::future::join_all(calls).await {
        assert_eq!(answer.refused(), (503, "verifier_unavailable"));
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);

    // Two seconds between two questions, and after the fifth a rest of five.
    for questions in 2..=5 {
        later.by(2);
        server.call(&bearers[0], "auth_status", json!({})).await;
        assert_eq!(asked.load(Ordering::Relaxed), questions);
    }
    later.by(4);
    let answer = server.call(&bearers[0], "auth_status", json!({})).await;
    assert_eq!(
        (answer.refused(), asked.load(Ordering::Relaxed)),
        ((503, "verifier_unavailable"), 5)
    );
    let sentence = answer.body["error"]["message"].as_str().unwrap();
    assert!(sentence.contains("is asked again in 1 s"), "{sentence}");
    later.by(1);
    server.call(&bearers[0], "auth_status", json!({})).await;
    assert_eq!(asked.load(Ordering::Relaxed), 6);
}

/// An S3 that takes no connection is left alone; denials, missing keys and calls that were given up are not its death.
#[tokio::test]
async fn an_s3_that_is_gone_is_left_alone_and_denials_are_not_its_death() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let proxy = TcpProxy::before(&stage.endpoint).await;
    let mut flags = flags(&stage, &registry.url);
    flags[2] = format!("--s3-endpoint={}", proxy.url);
    flags.push("--tool-timeout=500ms".to_owned());
    let later = Later::default();
    let server = Server::start_at(None, &flags, later.clock()).await;
    let users: Vec<String> = (0..6).map(|i| reader(&format!("u{i}"), &registry, &stage)).collect();
    for user in &users {
        let (denied, missing) = (
            json!({ "bucket": PRIVATE }),
            json!({ "s3_uri": format!("s3://{SHARED}/none") }),
        );
        server
            .call(user, "bucket_objects_list", denied)
            .await
            .failure("access_denied");
        server
            .call(user, "bucket_object_info", missing)
            .await
            .failure("no_such_key");
    }
    proxy.set(Mode::Silent);
    for user in &users {
        list(&server, user).await.failure("timeout");
    }
    proxy.set(Mode::Forward);
    list(&server, &users[0]).await.success();

    proxy.set(Mode::Close);
    for user in users.iter().take(5) {
        assert_eq!(list(&server, user).await.failure("upstream")["retryable"], true);
    }
    let made = proxy.connections();
    let answer = list(&server, &users[5]).await;
    let failure = answer.failure("upstream");
    let sentence = failure["error"].as_str().unwrap();
    assert!(
        sentence.contains("S3 in us-east-1 could not be reached lately and is asked again in 5 s"),
        "{sentence}"
    );
    assert_eq!((&failure["retryable"], proxy.connections()), (&Value::Bool(true), made));
    proxy.set(Mode::Forward);
    later.by(5);
    for user in &users {
        list(&server, user).await.success();
    }
}

/// A place that answers nothing when it is called up costs the time of a connection and no more.
#[tokio::test]
async fn a_connection_is_waited_for_no_longer_than_its_time() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let full = FullBacklog::new().await;
    let mut flags = flags(&stage, &registry.url);
    flags[2] = format!("--s3-endpoint={}", full.url);
    let connect_timeout = Duration::from_millis(50);
    let patience = Overrides {
        connect_timeout,
        clock: Later::default().clock(),
        ..overrides(None)
    };
    let server = Server::start_in(&flags, patience).await;
    let users: Vec<String> = (0..6).map(|i| reader(&format!("u{i}"), &registry, &stage)).collect();
    for user in users.iter().take(5) {
        list(&server, user).await.failure("timeout");
    }
    let answer = list(&server, &users[5]).await;
    let sentence = answer.failure("upstream")["error"].as_str().unwrap();
    assert!(sentence.contains("is asked again in 5 s"), "{sentence}");

    // The registry's client: the whole time is longer, and it is the connection's that ends the wait.
    let http = quilt_mcp::catalog::http_client(NEVER * 2).unwrap();
    let error = tokio::time::timeout(NEVER, http.get(&full.url).send())
        .await
        .unwrap()
        .unwrap_err();
    assert!(error.is_connect() && error.is_timeout(), "{error:?}");
}

/// A resolver that never answers.
#[tokio::test]
async fn a_name_is_waited_for_no_longer_than_a_connection() {
    struct Never;
    impl Resolve for Never {
        fn resolve(&self, _: Name) -> Resolving {
            Box::pin(std::future::pending())
        }
    }
    let http = quilt_mcp::catalog::http_client_with_resolver(Never, Duration::from_millis(50)).unwrap();
    let asked = http.get("http://registry.example.com").send();
    let error = tokio::time::timeout(NEVER, asked).await.unwrap().unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
}

/// STS as a dependency of the roles that tokens name.
#[tokio::test]
async fn an_sts_that_is_gone_is_left_alone_and_its_refusals_are_not_its_death() {
    let stage = Stage::embedded().await;
    let proxy = TcpProxy::before(&stage.endpoint).await;
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--s3-endpoint={}", stage.endpoint),
        format!("--sts-endpoint={}", proxy.url),
        format!("--assumable-roles={}", stage.aws().role_arn("it/*")),
        "--ambient=full".to_owned(),
    ];
    let later = Later::default();
    let server = Server::start_at(Some(&stage.admin), &flags, later.clock()).await;
    let naming = |name: String, role: &str| {
        token(json!({ "sub": name, "role_arn": stage.aws().role_arn(&format!("it/{role}")) }))
    };
    for i in 0..12 {
        let answer = list(&server, &naming(format!("refused-{i}"), "missing")).await;
        assert_eq!(
            answer.failure("assume_role_failed")["details"]["attempts"][0]["outcome"],
            "denied"
        );
    }
    list(&server, &naming("good".to_owned(), "reader")).await.success();
    proxy.set(Mode::Close);
    for i in 0..5 {
        let answer = list(&server, &naming(format!("silent-{i}"), "reader")).await;
        assert_eq!(
            answer.failure("assume_role_failed")["details"]["attempts"][0]["outcome"],
            "failed"
        );
    }
    let made = proxy.connections();
    let answer = list(&server, &naming("late".to_owned(), "reader")).await;
    let failure = answer.failure("request_failed");
    assert_eq!(failure["details"]["attempts"][0]["outcome"], "failed");
    assert!(
        failure["error"]
            .as_str()
            .unwrap()
            .contains("STS has not been answering lately"),
        "{failure}"
    );
    assert_eq!((&failure["retryable"], proxy.connections()), (&Value::Bool(true), made));
    proxy.set(Mode::Forward);
    later.by(5);
    list(&server, &naming("back".to_owned(), "reader")).await.success();
}

/// Calls that follow each other use the connections that are there.
#[tokio::test]
async fn calls_in_a_row_share_connections() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let (to_s3, to_registry) = (
        TcpProxy::before(&stage.endpoint).await,
        TcpProxy::before(&registry.url).await,
    );
    let mut flags = flags(&stage, &to_registry.url);
    flags[2] = format!("--s3-endpoint={}", to_s3.url);
    let server = Server::start_with(None, &flags).await;
    for i in 0..40 {
        let bearer = reader(&format!("u{i}"), &registry, &stage);
        list(&server, &bearer).await.success();
        server.call(&bearer, "auth_status", json!({})).await.success();
    }
    assert!(registry.requests().len() >= 80 && stage.aws().journal().len() >= 40);
    assert!(
        to_s3.connections() <= 3 && to_registry.connections() <= 3,
        "{} and {}",
        to_s3.connections(),
        to_registry.connections()
    );
}
