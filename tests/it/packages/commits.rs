//! Atomicity of commits: races, a fault at each request of a commit, and a killed process; no update is lost and no
//! package is half written.

use std::collections::BTreeSet;

use futures::future::join_all;
use quilt_mcp::clock::Clock;
use serde_json::{Value, json};

use crate::support::faults::nth_request::{Fault, NthRequestProxy, Plan};
use crate::support::program::Program;
use crate::support::registry::{FakeRegistry, Vends};
use crate::support::rights::{on_objects, policy};
use crate::support::server::{Answer, Server};
use crate::support::stage::{SHARED, Stage};
use crate::support::{SECRET, token};

/// A writer whose credentials a registry vends.
pub(super) struct Writer {
    registry: FakeRegistry,
    token: String,
}

impl Writer {
    pub(super) async fn of(stage: &Stage) -> Self {
        let registry = FakeRegistry::start().await;
        let token = token(json!({ "sub": "writer" }));
        registry.vends(&token, Vends::Keys(stage.writer.clone(), 3600));
        Self { registry, token }
    }

    pub(super) fn flags(&self, s3: &str) -> Vec<String> {
        vec![
            format!("--jwt-secret={SECRET}"),
            format!("--registry-url={}", self.registry.url),
            format!("--s3-endpoint={s3}"),
            format!("--sts-endpoint={s3}"),
        ]
    }

    pub(super) async fn call(&self, server: &Server, tool: &str, mut arguments: Value) -> Answer {
        arguments["bucket"] = SHARED.into();
        server.call(&self.token, tool, arguments).await
    }

    /// The latest revision and the history, newest first; none for a package that is not there.
    pub(super) async fn state(&self, server: &Server, name: &str) -> Option<(String, Vec<String>)> {
        let versions = self.call(server, "package_versions", json!({ "name": name })).await;
        if versions.output()["error_code"] == "no_such_package" {
            return None;
        }
        // A latest revision that the history lacks is listed with a problem.
        let history = versions.success()["versions"].as_array().unwrap().iter();
        let history = history
            .filter(|version| version.get("problem").is_none())
            .map(|version| version["hash"].as_str().unwrap().to_owned())
            .collect();
        let browsed = self.call(server, "package_browse", json!({ "name": name })).await;
        let latest = browsed.success()["package"]["hash"].as_str().unwrap().to_owned();
        let verified = self
            .call(server, "package_verify", json!({ "name": name, "check_objects": true }))
            .await;
        assert_eq!(verified.success()["manifest_ok"], true);
        assert_eq!(
            verified.success()["objects"]["ok"],
            verified.success()["objects"]["checked"]
        );
        Some((latest, history))
    }
}

pub(super) fn hash(output: &Value) -> String {
    output["package"]["hash"].as_str().unwrap().to_owned()
}

/// Sixteen at once, round after round, in one second that never ends.
async fn races(stage: Stage) {
    let writer = Writer::of(&stage).await;
    stage.seed(SHARED, "in/a", b"a").await;
    let now = Clock::fixed(Clock::system().now());
    let server = Server::start_at(None, &writer.flags(&stage.endpoint), now).await;
    let mut winners: Vec<String> = Vec::new();
    for round in 0..4 {
        let attempts = (0..16).map(|racer| {
            let message = format!("round {round} racer {racer}");
            let (writer, server, parent) = (&writer, &server, winners.last().cloned());
            async move {
                match parent {
                    None => {
                        let files = json!([format!("s3://{SHARED}/in/a")]);
                        let arguments = json!({ "name": "race/pkg", "files": files, "message": message });
                        writer.call(server, "package_create", arguments).await
                    }
                    Some(parent) => {
                        let arguments = json!({ "name": "race/pkg", "message": message, "expected_hash": parent });
                        writer.call(server, "package_update", arguments).await
                    }
                }
            }
        });
        let answers = join_all(attempts).await;
        let (won, lost): (Vec<&Answer>, Vec<&Answer>) = answers
            .iter()
            .partition(|answer| answer.body["result"]["isError"] == false);
        assert_eq!(won.len(), 1, "round {round}: exactly one wins");
        let winner = hash(won[0].success());
        for answer in lost {
            let details = &answer.failure("conflict")["details"];
            assert_eq!(details["current_hash"], winner, "the loser learns who won");
            if let Some(parent) = winners.last() {
                assert_eq!(details["expected_hash"], *parent);
            }
        }
        winners.push(winner);
    }
    let (latest, mut history) = writer.state(&server, "race/pkg").await.unwrap();
    assert_eq!(Some(&latest), winners.last());
    history.reverse();
    assert_eq!(
        history, winners,
        "every winner is in the history, in the order of the commits"
    );
}

#[tokio::test]
async fn of_sixteen_at_once_one_wins() {
    races(Stage::embedded().await).await;
}

#[tokio::test]
async fn of_sixteen_at_once_one_wins_on_seaweedfs() {
    races(Stage::seaweedfs().await).await;
}

/// A call with overwrite=true replaces the revision that it read, and none that came in between.
#[tokio::test]
async fn overwriting_is_no_licence_to_lose_an_update() {
    let stage = Stage::embedded().await;
    let writer = Writer::of(&stage).await;
    stage.seed(SHARED, "in/a", b"a").await;
    let server = Server::start_with(None, &writer.flags(&stage.endpoint)).await;
    let create = |message: String| {
        let files = json!([format!("s3://{SHARED}/in/a")]);
        let arguments = json!({ "name": "race/over", "files": files, "message": message, "overwrite": true });
        writer.call(&server, "package_create", arguments)
    };
    let answers = join_all((0..16).map(|racer| create(format!("racer {racer}")))).await;
    let won: BTreeSet<String> = answers
        .iter()
        .filter(|answer| answer.body["result"]["isError"] == false)
        .map(|answer| hash(answer.success()))
        .collect();
    for answer in answers.iter().filter(|answer| answer.body["result"]["isError"] == true) {
        answer.failure("conflict");
    }
    let (latest, history) = writer.state(&server, "race/over").await.unwrap();
    assert_eq!(history.first(), Some(&latest));
    assert_eq!(history.iter().cloned().collect::<BTreeSet<_>>(), won);
    assert_eq!(history.len(), won.len());
}

/// The calls whose every request is broken in turn; `{n}` is another package each time.
fn scripts() -> Vec<(&'static str, bool, Value)> {
    let a = format!("s3://{SHARED}/in/a");
    let b = format!("s3://{SHARED}/in/b");
    vec![
        (
            "package_create",
            false,
            json!({ "files": [a, b], "message": "new", "readme": "# hi", "copy": true }),
        ),
        (
            "package_create",
            true,
            json!({ "files": [b], "message": "new", "overwrite": true }),
        ),
        (
            "package_update",
            true,
            json!({ "add": [b], "remove": ["a"], "message": "new", "readme": "# hi", "summary": ["b"] }),
        ),
        (
            "package_copy",
            false,
            json!({ "name": SOURCE, "message": "new", "copy": true }),
        ),
        (
            "package_copy",
            true,
            json!({ "name": SOURCE, "message": "new", "overwrite": true }),
        ),
    ]
}

/// The package that is copied.
const SOURCE: &str = "fault/source";

async fn make_source(writer: &Writer, server: &Server) {
    let files = ["in/a", "in/b"].map(|key| format!("s3://{SHARED}/{key}"));
    let create = json!({ "name": SOURCE, "files": files, "metadata": { "n": 1 } });
    writer.call(server, "package_create", create).await.success();
}

/// The call for a package of this name.
fn named(tool: &str, call: &Value, name: &str) -> Value {
    let mut call = call.clone();
    let argument = if tool == "package_copy" { "dest_name" } else { "name" };
    call[argument] = name.into();
    call
}

/// The states that a package may have after a call that broke off: the old one, or the one that the call was to make.
pub(super) struct Expectation {
    pub(super) name: String,
    pub(super) old: Option<String>,
    pub(super) new: String,
}

impl Expectation {
    async fn prepare(writer: &Writer, healthy: &Server, name: String, had: bool, tool: &str, call: &Value) -> Self {
        let mut old = None;
        if had {
            let files = json!([format!("s3://{SHARED}/in/a")]);
            let arguments = json!({ "name": name, "files": files, "message": "old" });
            old = Some(hash(writer.call(healthy, "package_create", arguments).await.success()));
        }
        let mut dry = named(tool, call, &name);
        dry["dry_run"] = true.into();
        let new = hash(writer.call(healthy, tool, dry).await.success());
        Self { name, old, new }
    }

    /// Whether it is the new revision.
    pub(super) async fn is_new(&self, writer: &Writer, healthy: &Server) -> bool {
        match writer.state(healthy, &self.name).await {
            None => {
                assert_eq!(self.old, None, "{}: the package is gone", self.name);
                false
            }
            Some((latest, history)) => {
                let is_new = latest == self.new;
                assert!(
                    is_new || Some(&latest) == self.old.as_ref(),
                    "{}: a revision without a commit",
                    self.name
                );
                let known = [self.old.as_ref(), Some(&self.new)];
                assert!(
                    history.iter().all(|hash| known.contains(&Some(hash))),
                    "{}: {history:?}",
                    self.name
                );
                is_new
            }
        }
    }

    /// After a retry everything is as if nothing had been broken.
    async fn complete(&self, writer: &Writer, healthy: &Server, retry: &Answer) {
        if retry.body["result"]["isError"] == true {
            // The very revision is there: that is no success of this call, but it is what the call wanted.
            assert_eq!(
                retry.failure("conflict")["details"]["identical"],
                true,
                "{}: {}",
                self.name,
                retry.body
            );
        }
        let (latest, history) = writer.state(healthy, &self.name).await.unwrap();
        assert_eq!(latest, self.new, "{}", self.name);
        let expected: Vec<&String> = [Some(&self.new), self.old.as_ref()].into_iter().flatten().collect();
        assert_eq!(
            history.iter().collect::<Vec<_>>(),
            expected,
            "{}: each once, newest first",
            self.name
        );
    }
}

/// At every request in turn: a fault, alone or with everything behind it dead; the package is old or new; a retry works.
#[tokio::test]
async fn a_fault_at_any_request_leaves_the_old_or_the_new_and_can_be_retried() {
    let stage = Stage::embedded().await;
    let writer = Writer::of(&stage).await;
    let proxy = NthRequestProxy::before(&stage.endpoint).await;
    let healthy = Server::start_with(None, &writer.flags(&stage.endpoint)).await;
    let faulty = Server::start_with(None, &writer.flags(&proxy.url)).await;
    for (key, body) in [("in/a", b"a"), ("in/b", b"b")] {
        stage.seed(SHARED, key, body).await;
    }
    make_source(&writer, &healthy).await;
    let (mut broken, mut came_through, mut committed) = (0, 0, 0);
    for (script, (tool, had, call)) in scripts().into_iter().enumerate() {
        for (fault, then_down) in [
            (Fault::Refuse, false),
            (Fault::LoseAnswer, false),
            (Fault::Refuse, true),
            (Fault::LoseAnswer, true),
        ] {
            for at in 0.. {
                let name = format!("fault/s{script}-{fault:?}-{then_down}-{at}");
                let expectation = Expectation::prepare(&writer, &healthy, name, had, tool, &call).await;
                let call = named(tool, &call, &expectation.name);
                proxy.plan(Some(Plan { at, fault, then_down }));
                let answer = writer.call(&faulty, tool, call.clone()).await;
                if proxy.requests().len() <= at {
                    answer.success();
                    break;
                }
                broken += 1;
                proxy.plan(None);
                let is_new = expectation.is_new(&writer, &healthy).await;
                if answer.body["result"]["isError"] == false {
                    came_through += 1;
                    assert!(is_new, "{}: a success that is none", expectation.name);
                    assert_eq!(
                        hash(answer.success()),
                        expectation.new,
                        "{}: dry and real differ",
                        expectation.name
                    );
                } else {
                    let output = answer.output();
                    assert_eq!(output["retryable"], true, "{}: {output}", expectation.name);
                    if is_new {
                        committed += 1;
                        // A failure after the commit says so, and how to repair it.
                        let hash = &output["details"]["hash"];
                        assert_eq!(hash, &json!(expectation.new), "{}: {output}", expectation.name);
                        assert!(output["hint"].as_str().unwrap().contains("repeat the"), "{output}");
                    }
                }
                let retry = writer.call(&faulty, tool, call).await;
                expectation.complete(&writer, &healthy, &retry).await;
            }
        }
    }
    assert!(
        broken > 80 && came_through > 20 && committed > 2,
        "{broken} {came_through} {committed}"
    );
}

/// The power cut: the process is killed while a request is on its way, and once it has been to S3, for every request.
#[tokio::test]
async fn a_kill_at_any_request_leaves_the_old_or_the_new_and_can_be_retried() {
    let stage = Stage::embedded().await;
    let writer = Writer::of(&stage).await;
    let proxy = NthRequestProxy::before(&stage.endpoint).await;
    let healthy = Server::start_with(None, &writer.flags(&stage.endpoint)).await;
    for (key, body) in [("in/a", b"a"), ("in/b", b"b")] {
        stage.seed(SHARED, key, body).await;
    }
    make_source(&writer, &healthy).await;
    let mut states = BTreeSet::new();
    for (script, (tool, had, call)) in scripts().into_iter().enumerate().skip(1) {
        for fault in [Fault::Hang, Fault::HangBehind] {
            for at in 0.. {
                let name = format!("kill/s{script}-{fault:?}-{at}");
                let expectation = Expectation::prepare(&writer, &healthy, name, had, tool, &call).await;
                let call = named(tool, &call, &expectation.name);
                let mut program = Program::serve(&writer.flags(&proxy.url), &[]).await;
                proxy.plan(Some(Plan {
                    at,
                    fault,
                    then_down: false,
                }));
                let answered = {
                    let answer = std::pin::pin!(writer.call(&program.server, tool, call.clone()));
                    tokio::select! { answer = answer => Some(answer), () = proxy.reached() => None }
                };
                if let Some(answer) = answered {
                    answer.success();
                    break;
                }
                program.kill().await;
                proxy.plan(None);
                states.insert(expectation.is_new(&writer, &healthy).await);
                let retry = writer.call(&healthy, tool, call).await;
                expectation.complete(&writer, &healthy, &retry).await;
            }
        }
    }
    assert_eq!(states.len(), 2, "some kills came before the commit and some behind it");
}

/// A client that leaves before the commit stops the work; one that leaves during it cannot leave half of it behind.
#[tokio::test]
async fn a_client_that_leaves_stops_the_work_before_the_commit_and_not_behind_it() {
    let stage = Stage::embedded().await;
    let writer = Writer::of(&stage).await;
    let proxy = NthRequestProxy::before(&stage.endpoint).await;
    let server = Server::start_with(None, &writer.flags(&proxy.url)).await;
    let healthy = Server::start_with(None, &writer.flags(&stage.endpoint)).await;
    stage.seed(SHARED, "in/a", b"a").await;
    let files = json!([format!("s3://{SHARED}/in/a")]);
    // Another message makes another manifest, so that none is there already.
    let arguments = |name: &str| json!({ "name": name, "files": files, "message": name });
    let leave = async |name: &str, plan: Plan| {
        proxy.plan(Some(plan));
        let call = std::pin::pin!(writer.call(&server, "package_create", arguments(name)));
        tokio::select! {
            answer = call => panic!("answered: {answer:?}"),
            () = proxy.reached() => {}
        }
    };
    // What has been read is not read again: each of the calls then has the same requests.
    let mut dry = arguments("left/dry");
    dry["dry_run"] = true.into();
    writer.call(&server, "package_create", dry).await.success();
    // The requests of a whole call, in their order.
    proxy.plan(None);
    writer
        .call(&server, "package_create", arguments("left/whole"))
        .await
        .success();
    let whole = proxy.requests();
    let latest = whole
        .iter()
        .position(|request| request.starts_with("PUT") && request.ends_with("/latest"))
        .unwrap();
    assert_eq!(
        latest,
        whole.len() - 2,
        "one request behind the commit, the history entry: {whole:?}"
    );

    for at in 0..latest {
        let name = format!("left/before-{at}");
        leave(
            &name,
            Plan {
                at,
                fault: Fault::Hang,
                then_down: false,
            },
        )
        .await;
        let given_up = tokio::time::timeout(std::time::Duration::from_secs(20), proxy.abandoned()).await;
        given_up.expect("the request is given up when its client leaves");
        assert_eq!(
            proxy.requests().len(),
            at + 1,
            "nothing is asked behind the one that was under way"
        );
        assert_eq!(writer.state(&healthy, &name).await, None);
    }

    leave(
        "left/during",
        Plan {
            at: latest,
            fault: Fault::Delay,
            then_down: false,
        },
    )
    .await;
    proxy.release();
    let complete = async {
        loop {
            if let Some((latest, history)) = writer.state(&healthy, "left/during").await
                && history == [latest]
            {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), complete)
        .await
        .expect("the commit is finished");
}

/// A client that asks for progress gets an event stream that ends with the result; other clients get no stream.
#[tokio::test]
async fn progress_is_told_to_whoever_asks_for_it() {
    let stage = Stage::embedded().await;
    let writer = Writer::of(&stage).await;
    let server = Server::start_with(None, &writer.flags(&stage.endpoint)).await;
    for number in 0..40 {
        stage.seed(SHARED, &format!("in/{number}"), b"x").await;
    }
    let arguments =
        json!({ "bucket": SHARED, "name": "progress/pkg", "source_bucket": SHARED, "source_prefix": "in/" });
    let params = json!({ "name": "package_create_from_s3", "arguments": arguments, "_meta": { "progressToken": "p" } });
    let answer = server.rpc(Some(&writer.token), "tools/call", params).await;
    assert_eq!(answer.headers["content-type"], "text/event-stream");
    let events = answer
        .body
        .as_str()
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_prefix("data:"));
    let events: Vec<Value> = events
        .filter_map(|data| serde_json::from_str(data.trim()).ok())
        .collect();
    let (result, progress) = events.split_last().unwrap();
    assert_eq!(result["result"]["structuredContent"]["entries_added"], 40, "{result}");
    let mut last = 0.0;
    for event in progress {
        assert_eq!(
            (&event["method"], &event["params"]["progressToken"]),
            (&json!("notifications/progress"), &json!("p"))
        );
        let progress = event["params"]["progress"].as_f64().unwrap();
        assert!(
            progress > last && progress <= event["params"]["total"].as_f64().unwrap(),
            "{event}"
        );
        last = progress;
    }
    assert!(last > 0.0, "progress was reported");

    let quiet = writer
        .call(&server, "package_browse", json!({ "name": "progress/pkg" }))
        .await;
    assert_eq!(quiet.headers["content-type"], "application/json");
}

/// The next commit first completes one that broke off, so that the history has both in their order.
#[tokio::test]
async fn the_next_update_adds_what_the_history_lacks() {
    let stage = Stage::embedded().await;
    let writer = Writer::of(&stage).await;
    let proxy = NthRequestProxy::before(&stage.endpoint).await;
    let server = Server::start_with(None, &writer.flags(&proxy.url)).await;
    stage.seed(SHARED, "in/a", b"a").await;
    let arguments = |name: &str| json!({ "name": name, "files": [format!("s3://{SHARED}/in/a")], "message": name });
    // What has been read is not read again: each of the calls then has the same requests.
    let mut dry = arguments("broken/dry");
    dry["dry_run"] = true.into();
    writer.call(&server, "package_create", dry).await.success();
    proxy.plan(None);
    writer
        .call(&server, "package_create", arguments("broken/whole"))
        .await
        .success();
    let history_entry = proxy.requests().len() - 1;
    proxy.plan(Some(Plan {
        at: history_entry,
        fault: Fault::Refuse,
        then_down: true,
    }));
    let broken = writer.call(&server, "package_create", arguments("broken/off")).await;
    let first = broken.failure("upstream")["details"]["hash"]
        .as_str()
        .unwrap()
        .to_owned();
    proxy.plan(None);
    assert_eq!(
        writer.state(&server, "broken/off").await,
        Some((first.clone(), Vec::new()))
    );

    let update = json!({ "name": "broken/off", "message": "the next" });
    let second = writer.call(&server, "package_update", update).await;
    let warning = second.success()["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("The previous revision had no entry"), "{warning}");
    let second = hash(second.success());
    assert_eq!(
        writer.state(&server, "broken/off").await,
        Some((second.clone(), vec![second, first]))
    );
}

/// A caller who may not list cannot see the seconds of the history; existing entries are never overwritten.
#[tokio::test]
async fn a_history_entry_is_never_overwritten_by_whoever_may_not_list() {
    let stage = Stage::embedded().await;
    let writer = Writer::of(&stage).await;
    let config = "version: \"1\"\nis_workflow_required: false\nworkflows: {any: {name: Any}}\n";
    for (key, body) in [("in/a", "a"), (".quilt/workflows/config.yml", config)] {
        stage.seed(SHARED, key, body.as_bytes()).await;
    }
    let now = Clock::fixed(Clock::system().now());
    let server = Server::start_at(None, &writer.flags(&stage.endpoint), now).await;
    let create = json!({ "name": "blind/pkg", "files": [format!("s3://{SHARED}/in/a")] });
    let mut expected = vec![hash(writer.call(&server, "package_create", create).await.success())];

    let narrowed = policy(&[on_objects("Allow", &["s3:*"], "*")]);
    let blind = token(json!({ "sub": "blind" }));
    writer.registry.vends(
        &blind,
        Vends::Keys(stage.session("writer", Some(&narrowed)).await, 3600),
    );
    for message in ["second", "third"] {
        let update = json!({ "bucket": SHARED, "name": "blind/pkg", "message": message });
        let updated = server.call(&blind, "package_update", update).await;
        expected.insert(0, hash(updated.success()));
    }
    assert_eq!(
        writer.state(&server, "blind/pkg").await,
        Some((expected[0].clone(), expected))
    );
}

/// A manifest under the name of another is not made a revision.
#[tokio::test]
async fn a_manifest_that_is_not_what_its_name_says_is_not_committed() {
    let stage = Stage::embedded().await;
    let writer = Writer::of(&stage).await;
    let server = Server::start_with(None, &writer.flags(&stage.endpoint)).await;
    stage.seed(SHARED, "in/a", b"a").await;
    let mut create = json!({ "name": "foul/pkg", "files": [format!("s3://{SHARED}/in/a")], "dry_run": true });
    let top_hash = hash(writer.call(&server, "package_create", create.clone()).await.success());
    let other = b"{\"version\": \"v0\", \"message\": \"not what was asked for\"}\n";
    stage.seed(SHARED, &format!(".quilt/packages/{top_hash}"), other).await;
    create["dry_run"] = false.into();
    let refused = writer.call(&server, "package_create", create).await;
    let sentence = refused.failure("invalid_manifest")["error"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        sentence.contains(&top_hash) && sentence.contains("not to its name"),
        "{sentence}"
    );
    assert_eq!(writer.state(&server, "foul/pkg").await, None);

    let by_hash = json!({ "name": "foul/pkg", "hash": top_hash });
    writer
        .call(&server, "package_browse", by_hash.clone())
        .await
        .failure("invalid_manifest");
    let verified = writer.call(&server, "package_verify", by_hash).await;
    assert_eq!(verified.success()["manifest_ok"], false);
    assert_ne!(verified.success()["recomputed_hash"], top_hash.as_str());
}
