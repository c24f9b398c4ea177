//! A mixed load with injected faults on the real program: each call acts as its caller, errors are those that were
//! injected, and no connection, thread or upload is left.
//!
//! The short run is part of the normal tests. The long run is off unless `QUILT_MCP_SOAK` gives its seconds:
//! `QUILT_MCP_SOAK=600 cargo test --test it soak:: -- --nocapture` makes in ten minutes as many calls as forty minutes
//! have at the rates of the table below, and prints its counts.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::time::Duration;

use rand::RngExt as _;
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::support::faults::random::{RandomProxy, Rates};
use crate::support::faults::tcp::{Mode, TcpProxy};
use crate::support::program::Program;
use crate::support::registry::{FakeRegistry, Vends};
use crate::support::server::Server;
use crate::support::stage::{PRIVATE, SHARED, Stage};
use crate::support::{SECRET, now, token, token_signed_with};

const SWITCH: &str = "QUILT_MCP_SOAK";
/// Calls of one user in a second, in the long run: four times that of a user who calls something each second.
const RATE: u64 = 4;
const READERS: usize = 6;
const WRITERS: usize = 6;
/// Users who ask for new credentials at each call.
const RENEWERS: usize = 3;
/// Callers whose tokens are no good.
const STRANGERS: usize = 1;

/// Of the keys below `flaky/` every third request is refused, of those below `cut/` every fifth answer is cut; of the others
/// every fiftieth is refused. The SDK tries three times and cannot repeat a read that has begun.
const FLAKY: f64 = 0.35;
const CUT: f64 = 0.2;
const SELDOM: f64 = 0.02;
/// The registry refuses every tenth question.
const REGISTRY: f64 = 0.1;

fn s3_rates(path: &str) -> Rates {
    let key = path.trim_start_matches('/').split_once('/').map_or("", |(_, key)| key);
    match key {
        key if key.starts_with("flaky/") => Rates {
            refused: FLAKY,
            cut: 0.0,
        },
        key if key.starts_with("cut/") => Rates { refused: 0.0, cut: CUT },
        _ => Rates {
            refused: SELDOM,
            cut: 0.0,
        },
    }
}

fn registry_rates(_: &str) -> Rates {
    Rates {
        refused: REGISTRY,
        cut: 0.0,
    }
}

/// The possible outcomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Expected {
    /// It works, but for rare faults that come three times.
    Works,
    /// S3 denies it.
    Denied,
    /// It fails where three tries do.
    Flaky,
    /// It fails where the answer is cut.
    Cut,
    /// It is a diagnosis, which tells whether the registry answered.
    Renewed,
    /// It is not let in.
    Refused,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Reader,
    Writer,
    Renewer,
    Stranger,
}

#[derive(Clone)]
struct User {
    name: String,
    bearer: String,
    kind: Kind,
}

/// How calls of one expectation went: by outcome.
type Tally = BTreeMap<Expected, BTreeMap<String, usize>>;

impl User {
    /// A call, and what it may come to.
    fn next(&self, round: usize) -> (&'static str, Value, Expected) {
        let name = &self.name;
        let at = |place: &str| json!({ "s3_uri": format!("s3://{SHARED}/{place}/{name}/k") });
        let dice = rand::rng().random_range(0..10);
        match (self.kind, dice) {
            (Kind::Stranger, _) => ("bucket_list", json!({}), Expected::Refused),
            (Kind::Renewer, _) => ("auth_status", json!({ "refresh": true }), Expected::Renewed),
            (_, 0 | 1) => ("bucket_object_info", at("flaky"), Expected::Flaky),
            (_, 2 | 3) => ("bucket_object_fetch", at("cut"), Expected::Cut),
            (_, 4) => ("bucket_objects_list", json!({ "bucket": PRIVATE }), Expected::Denied),
            (_, 5) => ("bucket_object_text", at("users"), Expected::Works),
            (Kind::Reader, 6 | 7) => {
                let items = json!([{ "key": format!("users/{name}/not-theirs"), "text": "x" }]);
                (
                    "bucket_objects_put",
                    json!({ "bucket": SHARED, "items": items }),
                    Expected::Denied,
                )
            }
            (Kind::Reader, _) => {
                let prefix = format!("users/{name}/");
                (
                    "bucket_objects_list",
                    json!({ "bucket": SHARED, "prefix": prefix }),
                    Expected::Works,
                )
            }
            (Kind::Writer, 6 | 7) => {
                let items = json!([{ "key": format!("users/{name}/{}", round % 20), "text": format!("{round}") }]);
                (
                    "bucket_objects_put",
                    json!({ "bucket": SHARED, "items": items }),
                    Expected::Works,
                )
            }
            (Kind::Writer, 8) => {
                let package = json!({ "bucket": SHARED, "name": format!("{name}/p"), "overwrite": true,
                    "files": [format!("s3://{SHARED}/users/{name}/k")], "message": format!("{}", round % 20) });
                ("package_create", package, Expected::Works)
            }
            (Kind::Writer, _) => {
                let package = json!({ "bucket": SHARED, "name": format!("{name}/p") });
                ("package_browse", package, Expected::Works)
            }
        }
    }

    async fn call(&self, server: &Server, round: usize) -> (Expected, String) {
        let (tool, arguments, expected) = self.next(round);
        let answer = server.call(&self.bearer, tool, arguments.clone()).await;
        if answer.status != 200 {
            return (expected, format!("{} {}", answer.status, answer.refused().1));
        }
        let output = answer.output();
        let outcome = match (&output["error_code"], expected) {
            (Value::String(code), _) => code.clone(),
            (_, Expected::Renewed) if output["has_credentials"] == false => {
                output["attempts"][1]["code"].as_str().unwrap_or("?").to_owned()
            }
            _ => "ok".to_owned(),
        };
        // A put tells of its items, and what became of them is what became of it.
        let outcome = if tool == "bucket_objects_put" && outcome != "ok" {
            output["results"][0]["error_code"]
                .as_str()
                .unwrap_or(&outcome)
                .to_owned()
        } else {
            outcome
        };
        (expected, outcome)
    }
}

/// Resources of a process, as the operating system reports them.
#[derive(Debug, Clone, Copy)]
struct Footprint {
    resident_kib: usize,
    sockets: usize,
    threads: usize,
}

impl Footprint {
    fn of(process: u32) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let line = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().parse().unwrap()
        };
        let open = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap();
        let is_socket = |path: std::path::PathBuf| {
            std::fs::read_link(path).is_ok_and(|link| link.to_string_lossy().starts_with("socket:"))
        };
        let sockets = open.filter(|entry| is_socket(entry.as_ref().unwrap().path())).count();
        Self {
            resident_kib: line("VmRSS:"),
            sockets,
            threads: line("Threads:"),
        }
    }
}

struct Scene {
    stage: Stage,
    registry: FakeRegistry,
    to_s3: (RandomProxy, TcpProxy),
    to_registry: (RandomProxy, TcpProxy),
    to_sts: TcpProxy,
    program: Program,
    users: Vec<User>,
    /// Whose each access key is.
    owners: HashMap<String, String>,
}

impl Scene {
    async fn new() -> Self {
        let stage = Stage::embedded().await;
        let registry = FakeRegistry::start().await;
        let to_s3 = RandomProxy::before(&stage.endpoint, s3_rates).await;
        let to_registry = RandomProxy::before(&registry.url, registry_rates).await;
        let to_sts = TcpProxy::before(&stage.endpoint).await;
        let (s3_proxy, registry_proxy) = (
            TcpProxy::before(&to_s3.url).await,
            TcpProxy::before(&to_registry.url).await,
        );
        let flags = [
            format!("--jwt-secret={SECRET}"),
            format!("--s3-endpoint={}", s3_proxy.url),
            format!("--sts-endpoint={}", to_sts.url),
            format!("--registry-url={}", registry_proxy.url),
            "--ambient=full".to_owned(),
        ];
        // The keys that would sign a call that acted as the server.
        let own = [
            ("AWS_ACCESS_KEY_ID", stage.admin.access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", stage.admin.secret_access_key.clone()),
        ];
        let program = Program::serve(&flags, &own).await;
        let (mut users, mut owners) = (Vec::new(), HashMap::new());
        for (kind, count, role) in [
            (Kind::Reader, READERS, "reader"),
            (Kind::Writer, WRITERS, "writer"),
            (Kind::Renewer, RENEWERS, "reader"),
            (Kind::Stranger, STRANGERS, "writer"),
        ] {
            for i in 0..count {
                let name = format!("{kind:?}-{i}").to_lowercase();
                let claims = json!({ "sub": name, "exp": now() + 7200 });
                let keys = stage.mint(role, 7200);
                let bearer = if kind == Kind::Stranger {
                    token_signed_with(claims, "another-secret-that-has-40-characters-xx")
                } else {
                    owners.insert(keys.access_key_id.clone(), name.clone());
                    token(claims)
                };
                registry.vends(&bearer, Vends::Keys(keys, 7200));
                for place in ["users", "flaky", "cut"] {
                    stage.seed(SHARED, &format!("{place}/{name}/k"), name.as_bytes()).await;
                }
                users.push(User { name, bearer, kind });
            }
        }
        let (to_s3, to_registry) = ((to_s3, s3_proxy), (to_registry, registry_proxy));
        let scene = Self {
            stage,
            registry,
            to_s3,
            to_registry,
            to_sts,
            program,
            users,
            owners,
        };
        scene.warm_up().await;
        scene
    }

    /// Everybody's first calls, until they work: the registry fails now and then, and a package has to be there.
    async fn warm_up(&self) {
        for user in &self.users {
            let first = match user.kind {
                Kind::Writer => (
                    "package_create",
                    json!({ "bucket": SHARED, "name": format!("{}/p", user.name),
                    "files": [format!("s3://{SHARED}/users/{}/k", user.name)], "overwrite": true }),
                ),
                Kind::Reader => ("bucket_objects_list", json!({ "bucket": SHARED })),
                Kind::Renewer | Kind::Stranger => continue,
            };
            let works = async {
                while self
                    .program
                    .server
                    .call(&user.bearer, first.0, first.1.clone())
                    .await
                    .output()["success"]
                    != true
                {}
            };
            timeout(Duration::from_mins(1), works).await.unwrap();
        }
        self.stage.aws().journal().clear();
    }

    /// Runs all users at once, each one call after the other, at this rate per second.
    async fn load(&self, duration: Duration, rate: u64) -> (Tally, Checked, Footprint) {
        let began = Instant::now();
        let ends = began + duration;
        let calls = futures::future::join_all(self.users.iter().map(|user| async {
            let server = Server::at(self.program.server.url.clone());
            let mut beat = interval(Duration::from_millis(1000 / rate));
            beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
            let mut tally = Tally::new();
            let mut round = 0;
            while Instant::now() < ends {
                beat.tick().await;
                let (expected, outcome) = user.call(&server, round).await;
                *tally.entry(expected).or_default().entry(outcome).or_default() += 1;
                round += 1;
            }
            tally
        }));
        let watch = async {
            let mut checked = Checked::default();
            let mut early = None;
            let mut beat = interval(Duration::from_secs(1));
            while Instant::now() < ends {
                beat.tick().await;
                self.check(&mut checked);
                if early.is_none() && began.elapsed() >= duration / 10 {
                    early = Some(Footprint::of(self.program.id()));
                }
            }
            (checked, early.unwrap())
        };
        let (tallies, (mut checked, early)) = tokio::join!(calls, watch);
        self.check(&mut checked);
        let mut all = Tally::new();
        for (expected, outcomes) in tallies.into_iter().flatten() {
            for (outcome, count) in outcomes {
                *all.entry(expected).or_default().entry(outcome).or_default() += count;
            }
        }
        (all, checked, early)
    }

    /// Returns the proxies before S3, the registry and STS.
    fn proxies(&self) -> [&TcpProxy; 3] {
        [&self.to_s3.1, &self.to_registry.1, &self.to_sts]
    }

    /// Checks the signers of the requests to S3: each caller their own, and none without keys from the registry.
    fn check(&self, checked: &mut Checked) {
        for entry in self.stage.aws().journal().take() {
            let key = entry.access_key_id.clone().unwrap_or_default();
            let Some(signer) = self.owners.get(&key) else {
                panic!("signed by an unknown key: {entry:?}");
            };
            checked.requests += 1;
            checked.signers.insert(signer.clone());
            if let Some(owner) = entry.key.as_deref().and_then(owner) {
                assert_eq!(signer, owner, "{entry:?}");
                checked.owned += 1;
            }
        }
    }
}

#[derive(Debug, Default)]
struct Checked {
    requests: usize,
    owned: usize,
    signers: HashSet<String>,
}

/// Whose a key is: `users/NAME/…`, and the pointers of the packages `NAME/p`.
fn owner(key: &str) -> Option<&str> {
    let rest = ["users/", "flaky/", "cut/", ".quilt/named_packages/"]
        .iter()
        .find_map(|place| key.strip_prefix(place))?;
    rest.split('/').next()
}

/// That a share of calls is what was put in, as far as chance lets it differ: four standard deviations.
fn share(outcomes: &BTreeMap<String, usize>, is_failure: impl Fn(&str) -> bool, (least, most): (f64, f64), what: &str) {
    let all: usize = outcomes.values().sum();
    let failed: usize = outcomes
        .iter()
        .filter(|(outcome, _)| is_failure(outcome))
        .map(|(_, count)| count)
        .sum();
    #[expect(clippy::cast_precision_loss, reason = "counts of calls")]
    let (all, failed) = (all as f64, failed as f64);
    let deviation = |p: f64| 4.0 * (all * p * (1.0 - p)).sqrt();
    let (low, high) = (all * least - deviation(least), all * most + deviation(most));
    assert!(
        (low..=high.max(1.0)).contains(&failed),
        "{what}: {failed} of {all} is not in {low:.1}..={high:.1}: {outcomes:?}"
    );
}

/// The footprints of the program under load.
struct Footprints {
    before: Footprint,
    /// After a tenth of the time.
    early: Footprint,
    after: Footprint,
}

async fn soak(duration: Duration, rate: u64) -> String {
    let scene = Scene::new().await;
    let before = Footprint::of(scene.program.id());
    let (tally, checked, early) = scene.load(duration, rate).await;
    let after = Footprint::of(scene.program.id());
    check_outcomes(&tally);
    let faults = injected_faults(&scene);
    check_signers(&scene, &checked);
    let left = check_release(&scene, &Footprints { before, early, after }).await;
    check_recovery(&scene).await;
    let counts = report(&tally, &checked, scene.users.len(), duration);
    format!("{counts}{faults}\nbefore {before:?}\na tenth {early:?}\nend {after:?}\nidle {left:?}\n")
}

/// Checks that errors are those that were put in.
fn check_outcomes(tally: &Tally) {
    let only = |expected: Expected, allowed: &[&str]| {
        let outcomes = tally
            .get(&expected)
            .unwrap_or_else(|| panic!("no user made a call of {expected:?}"));
        let strange: Vec<_> = outcomes
            .keys()
            .filter(|outcome| !allowed.contains(&outcome.as_str()))
            .collect();
        assert!(strange.is_empty(), "{expected:?} came to {strange:?}: {outcomes:?}");
        outcomes
    };
    let faults = ["ok", "upstream", "throttled"];
    let fails = |outcome: &str| outcome != "ok";
    let three_times = FLAKY.powi(3);
    // A HEAD that is refused three times; S3 is asked up to a dozen times for a package.
    share(
        only(Expected::Flaky, &faults),
        fails,
        (three_times, three_times),
        "refused three times",
    );
    share(only(Expected::Cut, &faults), fails, (CUT, CUT), "cut");
    share(
        only(Expected::Works, &faults),
        fails,
        (0.0, 12.0 * SELDOM.powi(3)),
        "seldom refused",
    );
    let denied = only(Expected::Denied, &["access_denied", "upstream", "throttled"]);
    share(
        denied,
        |outcome| outcome != "access_denied",
        (0.0, SELDOM.powi(3)),
        "denied",
    );
    // A question that fails twice, or once where the budget is spent.
    let renewed = only(Expected::Renewed, &["ok", "request_failed"]);
    share(renewed, fails, (REGISTRY.powi(2), REGISTRY), "renewed");
    only(Expected::Refused, &["401 invalid_jwt"]);
}

/// Returns the counts of the faults that were put in. Checks that there were some of each kind.
fn injected_faults(scene: &Scene) -> String {
    let [requests, refused, cut] = scene.to_s3.0.counts();
    let [questions, unanswered, _] = scene.to_registry.0.counts();
    assert!(refused > 0 && cut > 0 && unanswered > 0, "nothing was put in");
    let reached = scene.registry.requests().len();
    format!(
        "S3: {requests} requests, {refused} refused, {cut} answers cut\n\
         registry: {questions} questions, {unanswered} refused, {reached} reached it"
    )
}

/// Checks that all callers acted as themselves.
fn check_signers(scene: &Scene, checked: &Checked) {
    let signers = scene.users.iter().filter(|user| user.kind != Kind::Stranger);
    assert_eq!(checked.signers.len(), signers.count(), "{:?}", checked.signers);
    assert!(checked.owned > checked.requests / 2, "{checked:?}");
}

/// Checks that nothing is left: what our side closes, the server closes too. Returns the footprint after that.
async fn check_release(scene: &Scene, under_load: &Footprints) -> Footprint {
    let Footprints { before, early, after } = under_load;
    let process = scene.program.id();
    for proxy in scene.proxies() {
        proxy.set(Mode::Close);
    }
    let idle = async {
        while Footprint::of(process).sockets > before.sockets {
            tokio::task::yield_now().await;
        }
    };
    let is_idle = timeout(Duration::from_secs(30), idle).await;
    let left = Footprint::of(process);
    assert!(is_idle.is_ok(), "sockets: {before:?} before, {left:?} after");
    let grown = after.resident_kib.saturating_sub(early.resident_kib);
    assert!(grown <= 32 * 1024, "{early:?} after a tenth, {after:?} at the end");
    assert!(
        left.threads <= early.threads + 4,
        "{early:?} after a tenth, {left:?} at the end"
    );
    left
}

/// Checks that the server still serves when its upstreams are reachable again.
async fn check_recovery(scene: &Scene) {
    for proxy in scene.proxies() {
        proxy.set(Mode::Forward);
    }
    let user = &scene.users[0];
    let list = json!({ "bucket": SHARED });
    let works = async {
        while scene
            .program
            .server
            .call(&user.bearer, "bucket_objects_list", list.clone())
            .await
            .output()["success"]
            != true
        {}
    };
    timeout(Duration::from_secs(30), works).await.unwrap();
}

/// Returns the counts of the calls and of the requests that were checked.
fn report(tally: &Tally, checked: &Checked, callers: usize, duration: Duration) -> String {
    let mut report = String::new();
    let calls: usize = tally.values().flat_map(BTreeMap::values).sum();
    let seconds = duration.as_secs();
    writeln!(report, "{calls} calls in {seconds} s by {callers} callers").unwrap();
    for (expected, outcomes) in tally {
        writeln!(report, "  {expected:?}: {outcomes:?}").unwrap();
    }
    writeln!(
        report,
        "{} requests checked for their signer, {} of them by their key's owner",
        checked.requests, checked.owned
    )
    .unwrap();
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_one() {
    soak(Duration::from_secs(15), 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_one_if_it_is_switched_on() {
    use std::io::Write as _;

    #[expect(
        clippy::disallowed_methods,
        reason = "the switch of a test is no setting of the server"
    )]
    let seconds = std::env::var(SWITCH).ok().filter(|value| !value.is_empty());
    let Some(seconds) = seconds else {
        // Past the harness, which shows what a test prints only when it fails.
        writeln!(
            std::io::stderr(),
            "the long soak is off: set {SWITCH} to a number of seconds"
        )
        .unwrap();
        return;
    };
    let report = soak(Duration::from_secs(seconds.parse().unwrap()), RATE).await;
    writeln!(std::io::stderr(), "{report}").unwrap();
}
