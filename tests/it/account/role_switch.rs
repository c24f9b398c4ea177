//! The switch of the role: asked of the user, for all of the user's sessions, and without the credentials of the role before.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use quilt_mcp::clock::Clock;
use quilt_mcp::dev::Backend;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::OnDev;
use crate::mcp::elicitation::{asked, call, call_as, said, yes};
use crate::support::faults::forward::{Upstream, serve};
use crate::support::server::{Answer, Server};

fn reader() -> Value {
    json!({ "role": "Reader" })
}

async fn put(scene: &OnDev) -> Answer {
    let items = json!([{ "key": "account/x.txt", "text": "x" }]);
    scene
        .call(
            "bucket_objects_put",
            json!({ "bucket": scene.bucket(), "items": items }),
        )
        .await
}

#[tokio::test]
async fn the_role_is_switched_when_its_user_agrees() {
    let scene = OnDev::new().await;
    put(&scene).await.success();
    let first = scene.call_asking("role_switch", &reader(), json!({})).await;
    let (question, state) = asked(&first);
    let message = question["message"].as_str().unwrap();
    for part in ["writer", "from Writer to Reader", "every session"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(scene.role().await, "Writer", "a question switches nothing");
    let done = scene.call_asking("role_switch", &reader(), yes(state)).await;
    let done = done.success();
    assert_eq!(
        (&done["role"], &done["role_before"], &done["changed"], &done["roles"]),
        (
            &json!("Reader"),
            &json!("Writer"),
            &json!(true),
            &json!(["Writer", "Reader"])
        )
    );
    let note = done["note"].as_str().unwrap();
    assert!(
        note.contains("Every session") && note.contains("those of the new role"),
        "{note}"
    );
    assert_eq!(done["credential_source"], "catalog");
    assert_eq!(scene.role().await, "Reader");
    // The credentials of the role before were cached, and could still write.
    let refused = put(&scene).await;
    let item = &refused.output()["results"][0];
    assert_eq!(item["error_code"], "access_denied", "{}", refused.body);
    let status = scene.call("auth_status", json!({})).await;
    assert_eq!(status.success()["role"], "Reader");
}

/// The answer belongs to the role that the user was shown.
#[tokio::test]
async fn an_answer_counts_only_for_the_role_that_was_shown() {
    let scene = OnDev::new().await;
    let writer = json!({ "role": "Writer" });
    let users = &scene.dev.backend.registry_users;
    let another = scene.dev.backend.info.buckets.shared.as_str();
    users.add(
        "writer",
        "Curator",
        "arn:aws:iam::000000000000:role/none",
        &[(another, "READ")],
    );
    let switch = "mutation($r: String!) { switchRole(roleName: $r) { __typename ... on Me { role { name } } } }";
    scene.graphql(switch, json!({ "r": "Reader" })).await;
    let first = scene.call_asking("role_switch", &writer, json!({})).await;
    let (_, state) = asked(&first);
    scene.graphql(switch, json!({ "r": "Curator" })).await;
    let late = scene.call_asking("role_switch", &writer, yes(state)).await;
    let late = late.failure("conflict");
    assert!(late["error"].as_str().unwrap().contains("has changed"), "{late}");
    assert_eq!(scene.role().await, "Curator");
}

#[tokio::test]
async fn a_user_who_does_not_agree_keeps_the_role() {
    let scene = OnDev::new().await;
    for (action, confirm) in [("decline", false), ("cancel", false), ("accept", false)] {
        let first = scene.call_asking("role_switch", &reader(), json!({})).await;
        let (_, state) = asked(&first);
        let answer = said(action, confirm, state);
        let answer = scene.call_asking("role_switch", &reader(), answer).await;
        answer.failure("confirmation_required");
    }
    assert_eq!(scene.role().await, "Writer");
}

/// Clients of earlier protocol versions, and those that declare no elicitation, are referred to the catalog.
#[tokio::test]
async fn a_client_that_cannot_ask_is_referred_to_the_catalog() {
    let scene = OnDev::new().await;
    let bearer = &scene.dev.backend.info.users.writer.token;
    let mut answers = vec![scene.call("role_switch", reader()).await];
    answers.push(call_as(&scene.server, bearer, "role_switch", &reader(), json!({}), json!({})).await);
    let old = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "role_switch", "arguments": reader() } });
    let bearer = format!("Bearer {bearer}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("mcp-protocol-version", "2025-11-25"),
    ];
    answers.push(scene.server.post(old.to_string(), &headers).await);
    for answer in answers {
        let refused = answer.failure("confirmation_required");
        let sentence = refused["error"].as_str().unwrap();
        let catalog = &scene.dev.backend.info.catalog_url;
        assert!(
            sentence.contains(catalog.as_str()) && sentence.contains("Reader"),
            "{sentence}"
        );
    }
    assert_eq!(scene.role().await, "Writer");
}

#[tokio::test]
async fn an_unknown_role_lists_the_roles_and_the_same_role_changes_nothing() {
    let scene = OnDev::new().await;
    for unknown in ["Admin", "reader", "", "no\nsuch"] {
        let refused = scene
            .call_asking("role_switch", &json!({ "role": unknown }), json!({}))
            .await;
        let sentence = refused.failure("invalid_argument")["error"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(sentence.contains("Writer, Reader") || unknown.is_empty(), "{sentence}");
    }
    let same = scene.call("role_switch", json!({ "role": " Writer " })).await;
    let same = same.success();
    assert_eq!(
        (&same["role"], &same["changed"], same.get("note")),
        (&json!("Writer"), &json!(false), None)
    );
}

/// A token that brings its own AWS credentials acts on AWS as before.
#[tokio::test]
async fn credentials_of_a_token_are_told_apart() {
    let scene = OnDev::new().await;
    let bearer = &scene.dev.backend.info.users.embedded.token;
    let first = call(&scene.server, bearer, "role_switch", &reader(), json!({})).await;
    let (_, state) = asked(&first);
    let done = call(&scene.server, bearer, "role_switch", &reader(), yes(state)).await;
    let note = done.success()["note"].as_str().unwrap().to_owned();
    assert!(note.contains("source jwt and stay what they are"), "{note}");
}

/// A registry behind a proxy that holds back the answer to a switch.
struct HeldBack {
    upstream: Upstream,
    has_switched: Notify,
    answers: Notify,
}

async fn hold_back(State(registry): State<Arc<HeldBack>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let is_switch = String::from_utf8_lossy(&body).contains("switchRole");
    let answer = registry
        .upstream
        .forward(Request::from_parts(parts, Body::from(body)))
        .await;
    if is_switch {
        registry.has_switched.notify_one();
        registry.answers.notified().await;
    }
    answer
}

/// The credentials of the role before are not used again, though no client waits for the answer.
#[tokio::test]
async fn a_switch_is_finished_when_its_client_has_left() {
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let _stop = stop.clone().drop_guard();
    let backend = Backend::start(Clock::system(), &tasks, &stop).await.unwrap();
    let registry = Arc::new(HeldBack {
        upstream: Upstream::new(&backend.info.registry_url),
        has_switched: Notify::new(),
        answers: Notify::new(),
    });
    let proxy = serve(Router::new().fallback(hold_back).with_state(registry.clone())).await;
    let mut flags = backend.flags();
    flags.extend([
        format!("--registry-url={proxy}"),
        "--toolsets=default,account".to_owned(),
    ]);
    let server = Server::start_with(None, &flags).await;
    let bearer = &backend.info.users.writer.token;
    let items = json!([{ "key": "account/y.txt", "text": "y" }]);
    let put = json!({ "bucket": backend.info.buckets.shared, "items": items });
    server.call(bearer, "bucket_objects_put", put.clone()).await.success();

    let first = call(&server, bearer, "role_switch", &reader(), json!({})).await;
    let (_, state) = asked(&first);
    let arguments = reader();
    tokio::select! {
        answer = call(&server, bearer, "role_switch", &arguments, yes(state)) => panic!("{}", answer.body),
        () = registry.has_switched.notified() => {}
    }
    registry.answers.notify_one();
    let is_refused = async {
        loop {
            let answer = server.call(bearer, "bucket_objects_put", put.clone()).await;
            if answer.output()["results"][0]["error_code"] == "access_denied" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), is_refused).await.unwrap();
}
