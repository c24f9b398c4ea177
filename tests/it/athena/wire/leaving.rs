//! Nothing is left running: a client that leaves, a call whose time is over, and a wait that is over.

use std::time::Duration;

use serde_json::json;

use crate::athena::Scene;
use crate::athena::peer::{Development, MiniStack, Peer, on_both_athenas};

on_both_athenas! {
    async fn the_query_of_a_client_that_leaves_is_stopped(scene) {
        scene.proxy.keeps_running("abandoned");
        let call = scene.call("athena_query_execute", json!({ "sql": "SELECT 1 AS abandoned" }));
        tokio::select! {
            answer = call => panic!("{}", answer.body),
            () = scene.proxy.saw("GetQueryExecution", 2) => {}
        }
        // The connection is closed now.
        scene.proxy.saw("StopQueryExecution", 1).await;
        let started = scene.proxy.received("StartQueryExecution");
        assert_eq!(started.len(), 1);
    }

    /// The id is not known yet when the client leaves.
    async fn a_query_whose_start_was_not_answered_yet_is_stopped_too(scene) {
        let call = scene.call("athena_query_execute", json!({ "sql": "SELECT 1 AS early" }));
        scene.proxy.keeps_running("early");
        tokio::select! {
            answer = call => panic!("{}", answer.body),
            () = scene.proxy.saw("StartQueryExecution", 1) => {}
        }
        scene.proxy.saw("StopQueryExecution", 1).await;
    }

    async fn the_query_is_stopped_when_the_time_of_the_call_is_over(_scene) {
        let scene = Scene::<P>::with(&["--tool-timeout=3s"]).await;
        scene.proxy.keeps_running("too_slow");
        let failure = scene
            .fails(
                "athena_query_execute",
                json!({ "sql": "SELECT 1 AS too_slow" }),
                "timeout",
            )
            .await;
        assert!(failure["error"].as_str().unwrap().contains("was stopped"));
        assert!(failure["hint"].as_str().unwrap().contains("wait_seconds"));
        assert_eq!(failure["details"]["scanned_bytes"], 4096);
        scene.proxy.saw("StopQueryExecution", 1).await;
    }

    async fn the_query_goes_on_when_only_the_wait_is_over(scene) {
        scene.proxy.keeps_running("waited");
        let running = scene
            .execute(json!({ "sql": "SELECT 1 AS waited", "wait_seconds": 1 }))
            .await;
        assert_eq!(running["state"], "RUNNING");
        // A stop would have been sent before the answer.
        assert!(scene.proxy.received("StopQueryExecution").is_empty());
        tokio::time::timeout(Duration::from_millis(300), scene.proxy.saw("StopQueryExecution", 1))
            .await
            .unwrap_err();
    }
}
