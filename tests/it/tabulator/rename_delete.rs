//! Tables are renamed and deleted.

use serde_json::{Value, json};

use super::{CONFIG, stored};
use crate::account::OnDev;
use crate::mcp::elicitation::{asked, said, yes};

fn names(scene: &OnDev) -> Vec<String> {
    stored(scene).into_iter().map(|(name, _)| name).collect()
}

async fn with_tables(tables: &[&str]) -> OnDev {
    let scene = OnDev::new().await;
    for table in tables {
        scene
            .dev
            .backend
            .tabulator
            .set(&scene.bucket(), table, Some(CONFIG.to_owned()));
    }
    scene
}

#[tokio::test]
async fn a_table_is_renamed_unless_the_name_is_taken() {
    let scene = with_tables(&["a", "b"]).await;
    let rename =
        |table: &str, new_name: &str| json!({ "bucket": scene.bucket(), "table": table, "new_name": new_name });
    let taken = scene.call("tabulator_table_rename", rename("a", "b")).await;
    let sentence = taken.failure("conflict")["error"].as_str().unwrap().to_owned();
    assert!(sentence.contains("`b` already"), "{sentence}");
    let absent = scene.call("tabulator_table_rename", rename("x", "y")).await;
    let sentence = absent.failure("invalid_argument")["error"].as_str().unwrap().to_owned();
    assert!(sentence.contains("no Tabulator table `x`; it has a, b"), "{sentence}");
    let wrong = scene.call("tabulator_table_rename", rename("a", "b c")).await;
    let sentence = wrong.failure("invalid_argument")["error"].as_str().unwrap().to_owned();
    assert!(sentence.starts_with("Argument new_name:"), "{sentence}");
    let denied = scene.call_as_reader("tabulator_table_rename", rename("a", "c")).await;
    denied.failure("access_denied");
    assert_eq!(names(&scene), ["a", "b"]);
    let done = scene.call("tabulator_table_rename", rename("a", "c")).await;
    let done = done.success();
    assert_eq!((&done["table"], &done["name_before"]), (&json!("c"), &json!("a")));
    assert_eq!(names(&scene), ["b", "c"]);
}

#[tokio::test]
async fn a_table_is_deleted_when_its_name_is_repeated() {
    let scene = with_tables(&["a", "b"]).await;
    let delete = |table: &str, confirm: Value| json!({ "bucket": scene.bucket(), "table": table, "confirm": confirm });
    for confirm in [Value::Null, json!("b"), json!("A"), json!("true")] {
        let refused = scene.call("tabulator_table_delete", delete("a", confirm)).await;
        refused.failure("confirmation_required");
    }
    let absent = scene.call("tabulator_table_delete", delete("x", json!("x"))).await;
    absent.failure("invalid_argument");
    let denied = scene
        .call_as_reader("tabulator_table_delete", delete("a", json!("a")))
        .await;
    denied.failure("access_denied");
    assert_eq!(names(&scene), ["a", "b"]);
    let done = scene.call("tabulator_table_delete", delete("a", json!("a"))).await;
    assert_eq!(done.success()["config_before"], CONFIG, "it can be created again");
    assert_eq!(names(&scene), ["b"]);
}

/// A client that can ask needs no `confirm`; the answer is about the table as the user was shown it.
#[tokio::test]
async fn a_table_is_deleted_when_its_user_agrees() {
    let scene = with_tables(&["a"]).await;
    let delete = json!({ "bucket": scene.bucket(), "table": "a" });
    let ask = async |round: Value| scene.call_asking("tabulator_table_delete", &delete, round).await;
    let first = ask(json!({})).await;
    let (question, state) = asked(&first);
    assert!(question["message"].as_str().unwrap().contains("table a of the bucket"));
    ask(said("decline", false, state))
        .await
        .failure("confirmation_required");
    scene
        .dev
        .backend
        .tabulator
        .set(&scene.bucket(), "a", Some(CONFIG.replace("FLOAT", "DOUBLE")));
    ask(yes(state)).await.failure("conflict");
    assert_eq!(names(&scene), ["a"]);
    let second = ask(json!({})).await;
    let (_, state) = asked(&second);
    ask(yes(state)).await.success();
    assert_eq!(names(&scene), [""; 0]);
}

#[tokio::test]
async fn read_only_refuses_changes() {
    let scene = OnDev::with(&["--read-only"]).await;
    scene
        .dev
        .backend
        .tabulator
        .set(&scene.bucket(), "a", Some(CONFIG.to_owned()));
    let bucket = scene.bucket();
    for (tool, arguments) in [
        (
            "tabulator_table_create",
            json!({ "bucket": bucket, "table": "b", "config": CONFIG }),
        ),
        (
            "tabulator_table_delete",
            json!({ "bucket": bucket, "table": "a", "confirm": "a" }),
        ),
        (
            "tabulator_table_rename",
            json!({ "bucket": bucket, "table": "a", "new_name": "b" }),
        ),
    ] {
        scene.call(tool, arguments).await.failure("read_only");
    }
    assert_eq!(names(&scene), ["a"]);
    let listed = scene.call("tabulator_tables_list", json!({ "bucket": bucket })).await;
    assert_eq!(listed.success()["returned"], 1);
}
