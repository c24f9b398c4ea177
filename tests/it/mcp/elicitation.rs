//! Elicitation by multi-round-trip requests of 2026-07-28: the questions, the answers that count, and the calls that
//! delete or replace only after one.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use quilt_mcp::clock::Clock;
use quilt_mcp::dev::Dev;
use serde_json::{Value, json};

use crate::support::registry::{FakeRegistry, Vends};
use crate::support::scene::uri;
use crate::support::server::{Answer, Server};
use crate::support::stage::{SHARED, Stage};
use crate::support::{SECRET, now, token, tools};

const KEY: &str = "a-state-key-that-both-copies-have";

/// A backend with a package, and the server that asks. It has two revisions.
struct Asking {
    stage: Stage,
    registry: FakeRegistry,
    server: Server,
    writer: String,
    seconds: Arc<AtomicI64>,
    hashes: [String; 2],
}

impl Asking {
    async fn new() -> Self {
        let (stage, registry, seconds) = (Stage::embedded().await, FakeRegistry::start().await, Arc::default());
        let server = server(&stage, &registry, &seconds, &[]).await;
        let writer = token(json!({ "sub": "writer" }));
        registry.vends(&writer, Vends::Keys(stage.writer.clone(), 3600));
        for key in ["in/a.csv", "in/b.csv"] {
            stage.seed(SHARED, key, key.as_bytes()).await;
        }
        let mut it = Self {
            stage,
            registry,
            server,
            writer,
            seconds,
            hashes: Default::default(),
        };
        it.hashes = it.make().await;
        it
    }

    /// Makes both revisions of the package and returns their hashes.
    async fn make(&self) -> [String; 2] {
        let mut hashes = Vec::new();
        for (key, overwrite) in [("in/a.csv", false), ("in/b.csv", true)] {
            let files = json!({ "bucket": SHARED, "name": "t/p", "files": [uri(key)], "overwrite": overwrite });
            let made = self.server.call(&self.writer, "package_create", files).await;
            hashes.push(made.success()["package"]["hash"].as_str().unwrap().to_owned());
            self.seconds.fetch_add(1, Ordering::Relaxed);
        }
        hashes.try_into().unwrap()
    }

    /// Returns a token of another caller with the rights of a writer, or of a reader.
    fn caller(&self, claims: Value, may_write: bool) -> String {
        let keys = if may_write {
            &self.stage.writer
        } else {
            &self.stage.reader
        };
        let token = token(claims);
        self.registry.vends(&token, Vends::Keys(keys.clone(), 3600));
        token
    }

    async fn call(&self, tool: &str, arguments: &Value, round: Value) -> Answer {
        call(&self.server, &self.writer, tool, arguments, round).await
    }

    /// Whether the package is as it was made: both of its revisions, and the second is the latest.
    async fn is_untouched(&self) -> bool {
        let shown = self
            .server
            .call(
                &self.writer,
                "package_versions",
                json!({ "bucket": SHARED, "name": "t/p" }),
            )
            .await;
        let hashes = shown.success()["versions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|version| version["hash"].clone());
        hashes.eq([&self.hashes[1], &self.hashes[0]].map(|hash| Value::from(hash.as_str())))
    }

    async fn is_gone(&self) -> bool {
        let shown = self
            .server
            .call(
                &self.writer,
                "package_browse",
                json!({ "bucket": SHARED, "name": "t/p" }),
            )
            .await;
        shown.output()["error_code"] == "no_such_package"
    }
}

async fn server(stage: &Stage, registry: &FakeRegistry, seconds: &Arc<AtomicI64>, flags: &[String]) -> Server {
    let seconds = seconds.clone();
    let (start, at) = (now(), move || seconds.load(Ordering::Relaxed));
    let clock = Clock::from_fn(move || jiff::Timestamp::from_second(start + at()).unwrap());
    let mut all = vec![
        format!("--s3-endpoint={}", stage.endpoint),
        format!("--jwt-secret={SECRET}"),
        format!("--registry-url={}", registry.url),
    ];
    all.extend_from_slice(flags);
    Server::start_at(None, &all, clock).await
}

/// A call of 2026-07-28 with these capabilities; `round` holds what else the params have.
pub(crate) async fn call_as(
    server: &Server,
    token: &str,
    tool: &str,
    arguments: &Value,
    capabilities: Value,
    round: Value,
) -> Answer {
    let mut params = json!({ "name": tool, "arguments": arguments, "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": capabilities } });
    params
        .as_object_mut()
        .unwrap()
        .extend(round.as_object().unwrap().clone());
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    let bearer = format!("Bearer {token}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", tool),
    ];
    server.post(body, &headers).await
}

/// The same of a client that can ask.
pub(crate) async fn call(server: &Server, token: &str, tool: &str, arguments: &Value, round: Value) -> Answer {
    call_as(server, token, tool, arguments, json!({ "elicitation": {} }), round).await
}

fn delete() -> Value {
    json!({ "bucket": SHARED, "name": "t/p" })
}

fn create(key: &str) -> Value {
    json!({ "bucket": SHARED, "name": "t/p", "files": [uri(key)] })
}

/// The question and the state of an answer that asks one.
pub(crate) fn asked(answer: &Answer) -> (&Value, &str) {
    let result = &answer.body["result"];
    assert_eq!(
        (answer.status, &result["resultType"]),
        (200, &json!("input_required")),
        "{}",
        answer.body
    );
    for field in ["content", "isError", "structuredContent", "ttlMs", "cacheScope"] {
        assert!(result.get(field).is_none(), "{field}: {}", answer.body);
    }
    assert_eq!(
        result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"],
        "quilt-mcp"
    );
    let requests = result["inputRequests"].as_object().unwrap();
    assert_eq!(requests.keys().collect::<Vec<_>>(), ["confirm"]);
    let request = &requests["confirm"];
    assert_eq!(
        (&request["method"], &request["params"]["mode"]),
        (&json!("elicitation/create"), &json!("form"))
    );
    let form = &request["params"]["requestedSchema"];
    assert_eq!(
        (&form["type"], &form["required"]),
        (&json!("object"), &json!(["confirm"]))
    );
    assert_eq!(form["properties"]["confirm"]["type"], "boolean");
    assert_eq!(
        form["properties"]["confirm"]["default"], false,
        "who only presses Enter agrees to nothing"
    );
    (&request["params"], result["requestState"].as_str().unwrap())
}

pub(crate) fn said(action: &str, confirm: bool, state: &str) -> Value {
    let mut answer = json!({ "action": action });
    if action == "accept" {
        answer["content"] = json!({ "confirm": confirm });
    }
    json!({ "inputResponses": { "confirm": answer }, "requestState": state })
}

pub(crate) fn yes(state: &str) -> Value {
    said("accept", true, state)
}

fn is_refused_by_the_protocol(answer: &Answer) {
    let error = &answer.body["error"];
    assert_eq!(
        (&error["code"], &error["data"]["error_code"]),
        (&json!(-32602), &json!("invalid_argument")),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn a_package_is_deleted_when_its_user_agrees() {
    let it = Asking::new().await;
    let first = it.call("package_delete", &delete(), json!({})).await;
    let (question, state) = asked(&first);
    let message = question["message"].as_str().unwrap();
    for part in ["t/p", SHARED, "all of its revisions", it.hashes[1].as_str()] {
        assert!(message.contains(part), "{message}");
    }
    assert!(it.is_untouched().await, "a question deletes nothing");
    let done = it.call("package_delete", &delete(), yes(state)).await;
    assert_eq!(done.success()["deleted_pointers"].as_array().unwrap().len(), 3);
    assert_eq!(done.body["result"]["resultType"], "complete");
    assert!(it.is_gone().await);
    // The subject of the question is gone, so the answer no longer counts.
    it.call("package_delete", &delete(), yes(state))
        .await
        .failure("no_such_package");
}

/// The same names, hashes and pointers, of packages that were made after the user was asked.
#[tokio::test]
async fn an_answer_is_good_for_one_package_and_not_for_one_that_is_made_anew() {
    let it = Asking::new().await;
    let first = it.call("package_delete", &delete(), json!({})).await;
    let (_, deletion) = asked(&first);
    it.call("package_delete", &delete(), yes(deletion)).await.success();
    it.seconds.store(0, Ordering::Relaxed);
    it.make().await;
    let second = it.call("package_delete", &delete(), yes(deletion)).await;
    second.failure("conflict");
    assert!(it.is_untouched().await);

    let first = it.call("package_create", &create("in/a.csv"), json!({})).await;
    let (_, replacement) = asked(&first);
    it.call("package_create", &create("in/a.csv"), yes(replacement))
        .await
        .success();
    it.server
        .call(
            &it.writer,
            "package_delete",
            json!({ "bucket": SHARED, "name": "t/p", "confirm": "t/p" }),
        )
        .await
        .success();
    it.seconds.store(0, Ordering::Relaxed);
    it.make().await;
    let second = it.call("package_create", &create("in/a.csv"), yes(replacement)).await;
    second.failure("conflict");
    assert!(it.is_untouched().await);
}

#[tokio::test]
async fn an_answer_about_an_unreadable_latest_is_for_that_write_of_it() {
    let it = Asking::new().await;
    for (tool, arguments) in [("package_create", create("in/a.csv")), ("package_delete", delete())] {
        let latest = ".quilt/named_packages/t/p/latest";
        it.stage.seed(SHARED, latest, b"").await;
        let first = it.call(tool, &arguments, json!({})).await;
        let (_, state) = asked(&first);
        it.stage.seed(SHARED, latest, b"").await;
        it.call(tool, &arguments, yes(state)).await.failure("conflict");
        let second = it.call(tool, &arguments, json!({})).await;
        it.call(tool, &arguments, yes(asked(&second).1)).await.success();
    }
    assert!(it.is_gone().await);
}

#[tokio::test]
async fn a_revision_is_named_in_its_question_and_its_answer_is_for_it_alone() {
    let it = Asking::new().await;
    let revision = |hash: &str| json!({ "bucket": SHARED, "name": "t/p", "hash": hash });
    let first = it
        .call("package_delete", &revision(&it.hashes[1][..10]), json!({}))
        .await;
    let (question, state) = asked(&first);
    let message = question["message"].as_str().unwrap();
    assert!(
        message.contains(&it.hashes[1]) && message.contains(&it.hashes[0]),
        "which goes, which is left: {message}"
    );
    for other in [delete(), revision(&it.hashes[0]), revision(&it.hashes[1])] {
        is_refused_by_the_protocol(&it.call("package_delete", &other, yes(state)).await);
    }
    assert!(it.is_untouched().await);
    let done = it
        .call("package_delete", &revision(&it.hashes[1][..10]), yes(state))
        .await;
    assert_eq!(done.success()["latest_after"], it.hashes[0]);
}

#[tokio::test]
async fn only_a_clear_yes_is_one() {
    let it = Asking::new().await;
    let first = it.call("package_delete", &delete(), json!({})).await;
    let (_, state) = asked(&first);
    for round in [
        said("decline", false, state),
        said("cancel", false, state),
        said("accept", false, state),
        json!({ "inputResponses": { "confirm": { "action": "accept" } }, "requestState": state }),
        json!({ "inputResponses": { "confirm": { "action": "accept", "content": {} } }, "requestState": state }),
        json!({ "inputResponses": { "confirm": { "action": "accept", "content": { "confirm": "true" } } },
            "requestState": state }),
        json!({ "inputResponses": { "confirm": { "action": "decline", "content": { "confirm": true } } },
            "requestState": state }),
    ] {
        let answer = it.call("package_delete", &delete(), round.clone()).await;
        let refusal = answer.failure("confirmation_required");
        assert!(
            refusal["error"].as_str().unwrap().ends_with("nothing was done."),
            "{refusal}"
        );
        assert!(
            !refusal["hint"].as_str().unwrap().contains("confirm"),
            "no way around a no is shown: {refusal}"
        );
        assert!(it.is_untouched().await, "{round}");
    }
    for unreadable in [
        json!(12345),
        json!(null),
        json!({ "action": "yes" }),
        json!({ "content": { "confirm": true } }),
    ] {
        let round = json!({ "inputResponses": { "confirm": unreadable }, "requestState": state });
        is_refused_by_the_protocol(&it.call("package_delete", &delete(), round).await);
    }
    // An answer to something else, or without its state, is none: the question is asked again.
    for round in [
        json!({ "requestState": state }),
        json!({ "inputResponses": {}, "requestState": state }),
        json!({ "inputResponses": { "other": { "action": "accept", "content": { "confirm": true } } },
            "requestState": state }),
        json!({ "inputResponses": { "confirm": { "action": "accept", "content": { "confirm": true } } } }),
    ] {
        asked(&it.call("package_delete", &delete(), round).await);
    }
    assert!(it.is_untouched().await);
}

#[tokio::test]
async fn a_state_is_for_whom_what_and_when_it_was_given() {
    let it = Asking::new().await;
    let first = it.call("package_delete", &delete(), json!({})).await;
    let (_, state) = asked(&first);

    let mut flipped = state.to_owned().into_bytes();
    let at = state.len() / 2;
    flipped[at] = if flipped[at] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    for tampered in [
        flipped.as_str(),
        &format!("{state}-TAMPERED"),
        &state[..state.len() - 1],
        "",
        "rs1",
        "rs1..",
    ] {
        is_refused_by_the_protocol(&it.call("package_delete", &delete(), yes(tampered)).await);
    }

    let other = it.caller(json!({ "sub": "other writer" }), true);
    is_refused_by_the_protocol(&call(&it.server, &other, "package_delete", &delete(), yes(state)).await);
    let nameless = it.caller(json!({ "name": "writer" }), true);
    is_refused_by_the_protocol(&call(&it.server, &nameless, "package_delete", &delete(), yes(state)).await);

    // Another tool, another package, one more argument, the same tool under its other name.
    let module = json!({ "action": "delete", "params": delete() });
    for (tool, arguments) in [
        ("package_create", create("in/a.csv")),
        ("package_delete", json!({ "bucket": SHARED, "name": "t/q" })),
        (
            "package_delete",
            json!({ "bucket": SHARED, "name": "t/p", "dry_run": false }),
        ),
        ("packaging", module),
        ("bucket_list", json!({})),
    ] {
        is_refused_by_the_protocol(&it.call(tool, &arguments, yes(state)).await);
    }

    it.seconds.fetch_add(601, Ordering::Relaxed);
    let late = it.call("package_delete", &delete(), yes(state)).await;
    assert!(
        late.failure("confirmation_required")["error"]
            .as_str()
            .unwrap()
            .contains("ten minutes")
    );
    assert!(it.is_untouched().await);
    it.seconds.fetch_sub(1, Ordering::Relaxed);
    it.call("package_delete", &delete(), yes(state)).await.success();
}

/// A page of the catalog sends a new token with every request.
#[tokio::test]
async fn a_new_token_of_the_same_person_may_bring_the_answer() {
    let it = Asking::new().await;
    let first = it.call("package_delete", &delete(), json!({})).await;
    let (_, state) = asked(&first);
    let newer = it.caller(json!({ "sub": "writer", "jti": "2" }), true);
    call(&it.server, &newer, "package_delete", &delete(), yes(state))
        .await
        .success();
    assert!(it.is_gone().await);
}

#[tokio::test]
async fn what_has_changed_since_it_was_asked_about_stays() {
    let it = Asking::new().await;
    let first = it.call("package_delete", &delete(), json!({})).await;
    let replaced = it.call("package_create", &create("in/a.csv"), json!({})).await;
    let update = json!({ "bucket": SHARED, "name": "t/p", "message": "meanwhile" });
    let newest = it.server.call(&it.writer, "package_update", update).await.success()["package"]["hash"].clone();
    for (tool, arguments, question) in [
        ("package_delete", delete(), &first),
        ("package_create", create("in/a.csv"), &replaced),
    ] {
        let (_, state) = asked(question);
        let answer = it.call(tool, &arguments, yes(state)).await;
        assert!(
            answer.failure("conflict")["error"]
                .as_str()
                .unwrap()
                .contains("has changed since")
        );
        let shown = it.server.call(&it.writer, "package_browse", delete()).await;
        assert_eq!(shown.success()["package"]["hash"], newest);
    }
}

#[tokio::test]
async fn a_state_gives_no_rights() {
    let it = Asking::new().await;
    let reader = it.caller(json!({ "sub": "writer", "role": "reader" }), false);
    let first = call(&it.server, &reader, "package_delete", &delete(), json!({})).await;
    let (_, state) = asked(&first);
    call(&it.server, &reader, "package_delete", &delete(), yes(state))
        .await
        .failure("access_denied");
    assert!(it.is_untouched().await);

    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "package_delete",
        "arguments": delete(), "inputResponses": yes(state)["inputResponses"], "requestState": state } });
    assert_eq!(
        it.server.post(body.to_string(), &[]).await.refused(),
        (401, "missing_jwt")
    );
    let powerless = it.caller(json!({ "sub": "writer", "role": "none" }), true);
    it.registry.vends(&powerless, Vends::Status(403));
    call(&it.server, &powerless, "package_delete", &delete(), yes(state))
        .await
        .failure("forbidden");
    assert!(it.is_untouched().await);
}

#[tokio::test]
async fn copies_with_the_same_key_take_each_others_answers_and_no_others() {
    let it = Asking::new().await;
    let key = [format!("--state-key={KEY}")];
    let one = server(&it.stage, &it.registry, &it.seconds, &key).await;
    let two = server(&it.stage, &it.registry, &it.seconds, &key).await;
    let first = call(&one, &it.writer, "package_delete", &delete(), json!({})).await;
    let (_, state) = asked(&first);
    is_refused_by_the_protocol(&it.call("package_delete", &delete(), yes(state)).await);
    let random = server(&it.stage, &it.registry, &it.seconds, &[]).await;
    let own = call(&random, &it.writer, "package_delete", &delete(), json!({})).await;
    let answer = it.call("package_delete", &delete(), yes(asked(&own).1)).await;
    is_refused_by_the_protocol(&answer);
    assert!(
        answer.body["error"]["data"]["hint"]
            .as_str()
            .unwrap()
            .contains("QUILT_MCP_STATE_KEY"),
        "{}",
        answer.body
    );
    assert!(it.is_untouched().await);
    call(&two, &it.writer, "package_delete", &delete(), yes(state))
        .await
        .success();
}

#[tokio::test]
async fn a_next_revision_is_made_when_its_user_agrees() {
    let it = Asking::new().await;
    let made = |name: &str| json!({ "bucket": SHARED, "name": name, "source_bucket": SHARED, "source_prefix": "in/a" });
    // A name that is free replaces nothing.
    it.call(
        "package_create",
        &json!({ "bucket": SHARED, "name": "t/new", "files": [uri("in/a.csv")] }),
        json!({}),
    )
    .await
    .success();
    it.call("package_create_from_s3", &made("t/newer"), json!({}))
        .await
        .success();
    // An existing object with just this content is no loss either, and nothing is to be done.
    it.call("package_create", &create("in/b.csv"), json!({}))
        .await
        .failure("conflict");

    let mut before = it.hashes[1].clone();
    for (tool, arguments) in [
        ("package_create", create("in/a.csv")),
        ("package_create_from_s3", made("t/new")),
    ] {
        if tool == "package_create_from_s3" {
            let other = json!({ "bucket": SHARED, "name": "t/new", "files": [uri("in/b.csv")], "overwrite": true });
            let other = it.call("package_create", &other, json!({})).await;
            other.success()["package"]["hash"]
                .as_str()
                .unwrap()
                .clone_into(&mut before);
        }
        let written = it.stage.written(SHARED).await;
        let first = it.call(tool, &arguments, json!({})).await;
        let (question, state) = asked(&first);
        let message = question["message"].as_str().unwrap();
        for part in [
            arguments["name"].as_str().unwrap(),
            SHARED,
            &before,
            "0 would change and 1 go; 1 would come",
        ] {
            assert!(message.contains(part), "{part}: {message}");
        }
        let declined = it.call(tool, &arguments, said("decline", false, state)).await;
        declined.failure("confirmation_required");
        assert_eq!(
            it.stage.written(SHARED).await,
            written,
            "{tool}: neither a question nor a no writes anything"
        );
        let done = it.call(tool, &arguments, yes(state)).await;
        assert_eq!(
            done.success()["diff"],
            json!({ "added": 1, "changed": 0, "removed": 1 })
        );
        // The package has moved on by this very answer, so it counts once.
        let other = it.call(tool, &arguments, yes(state)).await;
        assert!(
            other.failure("conflict")["error"]
                .as_str()
                .unwrap()
                .contains("has changed since"),
            "{}",
            other.body
        );
    }
}

/// Only what goes into the revision that the user was asked about goes into it, also what the hash does not tell.
#[tokio::test]
async fn an_agreed_revision_is_the_one_that_was_asked_about() {
    let it = Asking::new().await;
    let first = it.call("package_create", &create("in/a.csv"), json!({})).await;
    let (_, state) = asked(&first);
    for (argument, value) in [
        ("files", json!([uri("in/b.csv"), uri("in/a.csv")])),
        ("message", json!("other")),
        ("metadata", json!({ "a": 1 })),
        ("copy", json!(true)),
        ("readme", json!("text")),
    ] {
        let mut other = create("in/a.csv");
        other[argument] = value;
        is_refused_by_the_protocol(&it.call("package_create", &other, yes(state)).await);
    }
    assert!(it.is_untouched().await);
    // The order in which a client writes the same arguments is not another call.
    let same = json!({ "files": [uri("in/a.csv")], "name": "t/p", "bucket": SHARED });
    it.call("package_create", &same, yes(state)).await.success();
}

#[tokio::test]
async fn an_action_asks_as_its_tool_does() {
    let it = Asking::new().await;
    let arguments = json!({ "action": "delete", "params": { "bucket": SHARED, "package_name": "t/p" } });
    let first = it.call("packaging", &arguments, json!({})).await;
    let (_, state) = asked(&first);
    it.call("packaging", &arguments, said("decline", false, state))
        .await
        .failure("confirmation_required");
    it.call("packaging", &arguments, yes(state)).await.success();
    assert!(it.is_gone().await);
}

/// The explicit word is one for everybody, and a rehearsal needs none.
#[tokio::test]
async fn who_says_it_in_the_arguments_is_not_asked() {
    let it = Asking::new().await;
    let with = |mut arguments: Value, name: &str, value: Value| {
        arguments[name] = value;
        arguments
    };
    it.call("package_delete", &with(delete(), "dry_run", true.into()), json!({}))
        .await
        .success();
    it.call(
        "package_create",
        &with(create("in/a.csv"), "dry_run", true.into()),
        json!({}),
    )
    .await
    .failure("conflict");
    // A word that is wrong is not one, and is not made good by a question.
    let wrong = it
        .call("package_delete", &with(delete(), "confirm", "t/q".into()), json!({}))
        .await;
    wrong.failure("confirmation_required");
    let none = json!({ "bucket": SHARED, "name": "t/none" });
    it.call("package_delete", &none, json!({}))
        .await
        .failure("no_such_package");
    assert!(it.is_untouched().await);
    it.call(
        "package_create",
        &with(create("in/a.csv"), "overwrite", true.into()),
        json!({}),
    )
    .await
    .success();
    it.call("package_delete", &with(delete(), "confirm", "t/p".into()), json!({}))
        .await
        .success();
    assert!(it.is_gone().await);
    // Replacing objects is what an upload is for.
    let put = json!({ "bucket": SHARED, "items": [{ "key": "in/a.csv", "text": "new" }] });
    it.call("bucket_objects_put", &put, json!({})).await.success();
}

#[tokio::test]
async fn who_cannot_ask_gets_what_everybody_got() {
    let it = Asking::new().await;
    let asking = it.call("package_delete", &delete(), json!({})).await;
    let (_, state) = asked(&asking);
    for capabilities in [
        json!({}),
        json!({ "sampling": {} }),
        json!({ "elicitation": { "url": {} } }),
    ] {
        for round in [json!({}), yes(state)] {
            let delete = call_as(
                &it.server,
                &it.writer,
                "package_delete",
                &delete(),
                capabilities.clone(),
                round.clone(),
            )
            .await;
            assert!(
                delete.failure("confirmation_required")["error"]
                    .as_str()
                    .unwrap()
                    .contains("confirm")
            );
            let create = call_as(
                &it.server,
                &it.writer,
                "package_create",
                &create("in/a.csv"),
                capabilities.clone(),
                round,
            )
            .await;
            assert_eq!(
                create.failure("conflict")["details"]["diff"],
                json!({ "added": 1, "changed": 0, "removed": 1 })
            );
        }
    }
    for version in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut params = json!({ "name": "package_delete", "arguments": delete(), "_meta": {
            "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} } } });
        params
            .as_object_mut()
            .unwrap()
            .extend(yes(state).as_object().unwrap().clone());
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
        let bearer = format!("Bearer {}", it.writer);
        let headers = [("authorization", bearer.as_str()), ("mcp-protocol-version", version)];
        let answer = it.server.post(body, &headers).await;
        assert!(
            answer.failure("confirmation_required")["error"]
                .as_str()
                .unwrap()
                .contains("confirm"),
            "{version}"
        );
    }
    assert!(it.is_untouched().await);
    for modes in [json!({ "form": {} }), json!({ "form": {}, "url": {} })] {
        let capabilities = json!({ "elicitation": modes });
        asked(
            &call_as(
                &it.server,
                &it.writer,
                "package_delete",
                &delete(),
                capabilities,
                json!({}),
            )
            .await,
        );
    }
}

/// A client that is not ours shows the form, and repeats the call with what came of it.
#[tokio::test]
async fn the_python_client_asks_its_user() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let dev = Dev::start(0, data.path(), Clock::system()).await?;
    let mut script = tools::python_script("client_asks.py")?;
    script.arg(data.path().join("dev.json"));
    let said = tokio::task::spawn_blocking(move || tools::run(&mut script)).await??;
    let questions = said
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<Vec<Value>, _>>()?;
    let begin = |question: &Value| question["message"].as_str().unwrap()[..10].to_owned();
    assert_eq!(
        questions.iter().map(begin).collect::<Vec<_>>(),
        ["The packag", "Delete the", "Delete the"]
    );
    assert!(
        dev.backend
            .aws
            .keys(&dev.backend.info.buckets.shared)
            .iter()
            .all(|key| !key.contains("peers/asked/"))
    );
    dev.stop().await;
    Ok(())
}
