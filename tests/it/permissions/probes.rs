//! Probes of rights: the meaning of a refusal, the traces that a probe may leave, unusual buckets, and buckets that do
//! not answer.

use std::time::Duration;

use futures::FutureExt as _;
use serde_json::{Value, json};

use super::answers::{answers, bearer, evidence, plain, seeded};
use crate::support::SECRET;
use crate::support::faults::by_rule::RuleProxy;
use crate::support::rights::{on_bucket, on_objects, policy};
use crate::support::server::Server;
use crate::support::stage::{PRIVATE, SHARED, Stage};

/// A server that reaches S3 through the faults, and asks about each bucket for so long.
async fn behind(faults: &RuleProxy, limit: Duration, flags: &[String]) -> Server {
    let mut all = vec![
        format!("--s3-endpoint={}", faults.url),
        format!("--sts-endpoint={}", faults.url),
        format!("--jwt-secret={SECRET}"),
    ];
    all.extend_from_slice(flags);
    Server::start_with_bucket_limit(&all, limit).await
}

/// S3's own words: which action, on what, to whom, and by which kind of policy.
#[tokio::test]
async fn a_denial_is_told_in_s3s_own_words() {
    let stage = seeded(Stage::embedded().await).await;
    let server = plain(&stage, &[]).await;
    let reads = policy(&[on_bucket("s3:ListBucket"), on_objects("Allow", &["s3:GetObject"], "*")]);
    let explicit = "with an explicit deny in an identity-based policy";
    for (role, narrowed_by, reason) in [
        ("editor", Some(&reads), "no session policy allows"),
        ("reader", None, "no identity-based policy allows"),
        ("forbidden", None, explicit),
    ] {
        let keys = stage.session(role, narrowed_by).await;
        let (_, probed) = answers(&server, &bearer(role, &keys), role).await;
        let detail = evidence(&probed, "write")["detail"].as_str().unwrap();
        for part in [
            "s3:PutObject",
            "arn:aws:s3:::it-shared/",
            &format!("assumed-role/{role}/"),
            reason,
        ] {
            assert!(detail.contains(part), "{part}: {detail}");
        }
    }
}

/// The one thing that a probe can leave behind, and only where the role lacks the right to abort.
#[tokio::test]
async fn an_upload_that_cannot_be_aborted_is_reported_by_its_id() {
    let stage = seeded(Stage::embedded().await).await;
    let server = plain(&stage, &[]).await;
    let narrowed = policy(&[
        json!({ "Effect": "Allow", "Action": "s3:*", "Resource": "*" }),
        on_objects("Deny", &["s3:AbortMultipartUpload"], "*"),
    ]);
    let writer = bearer("writer", &stage.session("writer", Some(&narrowed)).await);
    let arguments = json!({ "bucket_name": SHARED, "operations": ["write"] });
    let answer = server.call(&writer, "bucket_access_check", arguments).await;
    assert_eq!(answer.success()["permission_level"], "write_access");
    let (_, uploads) = stage.inventory(SHARED).await;
    let [id] = uploads.as_slice() else {
        panic!("{uploads:?}")
    };
    let detail = evidence(answer.success(), "write")["detail"].as_str().unwrap();
    assert!(
        detail.contains(id) && detail.contains("s3:AbortMultipartUpload"),
        "{detail}"
    );
}

/// A limit that is over, or a client that leaves, must not leave an upload open: the probe goes on without them.
#[tokio::test]
async fn a_probe_that_nobody_waits_for_aborts_its_upload_all_the_same() {
    let stage = seeded(Stage::embedded().await).await;
    let faults = RuleProxy::before(&stage.endpoint).await;
    let server = behind(&faults, Duration::from_millis(500), &[]).await;
    let editor = bearer("editor", &stage.session("editor", None).await);
    faults.delay_openings();
    let arguments = json!({ "bucket_name": SHARED, "operations": ["write"] });
    let answer = server.call(&editor, "bucket_access_check", arguments).await;
    let result = evidence(answer.success(), "write");
    assert!(
        result["result"].is_null() && result["detail"].as_str().unwrap().contains("goes on"),
        "{result}"
    );
    // Both come at once; the bound is there so that a failure is seen and not waited for.
    let soon = |what| tokio::time::timeout(Duration::from_mins(1), what);
    soon(faults.opened().boxed()).await.unwrap();
    assert_eq!(stage.aws().open_uploads(SHARED), 1);
    faults.release_opening();
    soon(faults.aborted().boxed()).await.unwrap();
    assert_eq!(stage.aws().open_uploads(SHARED), 0);
}

/// Some of many buckets hang: they cost their own time limit, and no other's.
#[tokio::test]
async fn of_two_hundred_buckets_twenty_hang() {
    let stage = Stage::embedded().await;
    let faults = RuleProxy::before(&stage.endpoint).await;
    // The call may take less than it takes when those who hang hold up those behind them.
    let server = behind(&faults, Duration::from_secs(5), &["--tool-timeout=25s".to_owned()]).await;
    let names: Vec<String> = (0..200).map(|number| format!("it-many-{number:03}")).collect();
    for (number, name) in names.iter().enumerate() {
        stage.aws().create_bucket(name, None, false);
        if number % 10 == 0 {
            faults.silence(name);
        }
    }
    let admin = bearer("admin", &stage.admin);
    let answer = server
        .call(&admin, "permissions_discover", json!({ "check_buckets": names }))
        .await;
    let reports = answer.success()["bucket_permissions"].as_array().unwrap();
    assert_eq!(answer.success()["total_buckets_checked"], 200);
    for (number, (report, name)) in reports.iter().zip(&names).enumerate() {
        assert_eq!(
            report["name"], *name,
            "they come in the order in which they were asked about"
        );
        if number % 10 != 0 && report["evidence_cut"] == true {
            assert_eq!(
                (&report["permission_level"], &report["can_list"]),
                (&json!("read_access"), &json!(true))
            );
            continue;
        }
        let list = evidence(report, "list");
        if number % 10 == 0 {
            assert_eq!(
                (&report["permission_level"], &list["result"]),
                (&json!("unknown"), &Value::Null),
                "{report}"
            );
            assert!(list["detail"].as_str().unwrap().contains("did not answer"), "{report}");
        } else {
            assert_eq!(
                (&report["permission_level"], &list["result"]),
                (&json!("read_access"), &json!(true)),
                "{report}"
            );
        }
    }
}

/// The answers that came before the rest hung are reported.
#[tokio::test]
async fn what_is_known_of_a_bucket_is_not_lost_with_what_is_not() {
    let stage = seeded(Stage::embedded().await).await;
    let faults = RuleProxy::before(&stage.endpoint).await;
    let server = behind(&faults, Duration::from_secs(4), &[]).await;
    for key in [".quilt/named_packages/ns/name/latest", "there"] {
        faults.silence(&format!("{SHARED}/{key}"));
    }
    let editor = bearer("editor", &stage.session("editor", None).await);
    let arguments = json!({ "bucket_name": SHARED, "operations": ["list", "read", "write"] });
    let answer = server.call(&editor, "bucket_access_check", arguments).await;
    let results = ["list", "read", "write"].map(|operation| evidence(answer.success(), operation)["result"].clone());
    assert_eq!(results, [json!(true), Value::Null, json!(true)], "{}", answer.body);
    let read = evidence(answer.success(), "read")["detail"].as_str().unwrap();
    assert!(read.contains("did not answer about it-shared within"), "{read}");
}

/// A missing bucket, one in another region, one that cannot be reached there, and one whose requester pays.
#[tokio::test]
async fn each_odd_bucket_has_its_own_sentence() {
    let stage = seeded(Stage::embedded().await).await;
    let server = plain(&stage, &[]).await;
    let admin = bearer("admin", &stage.admin);
    let check = |bucket: &'static str| {
        let arguments = json!({ "bucket_name": format!("s3://{bucket}"), "operations": ["list", "read", "write"] });
        server.call(&admin, "bucket_access_check", arguments)
    };
    let missing = check("definitely-does-not-exist").await;
    let missing = missing.success();
    assert_eq!(
        (&missing["accessible"], &missing["permission_level"]),
        (&json!(false), &json!("no_access"))
    );
    for operation in ["list", "read", "write"] {
        let row = evidence(missing, operation);
        assert_eq!(
            (&row["result"], &row["detail"]),
            (&json!(false), &json!("There is no bucket definitely-does-not-exist."))
        );
    }

    stage.aws().create_bucket("it-elsewhere", Some("eu-west-1"), true);
    let elsewhere = check("it-elsewhere").await;
    assert_eq!(
        (&elsewhere.success()["region"], &elsewhere.success()["accessible"]),
        (&json!("eu-west-1"), &json!(true))
    );
    assert_eq!(check(SHARED).await.success()["region"], "us-east-1");

    let pays = "<Error><Code>AccessDenied</Code><Message>Bucket is requester pays bucket but no requester pays header present.</Message></Error>";
    let moved = "<Error><Code>PermanentRedirect</Code><Message>Use the specified endpoint.</Message></Error>";
    for (status, body, result, sentence) in [
        (403, pays, json!(false), "requester-pays"),
        (301, moved, Value::Null, "in another region, which S3 does not name"),
    ] {
        let odd = wiremock::MockServer::start().await;
        let answer = wiremock::ResponseTemplate::new(status).set_body_raw(body, "application/xml");
        wiremock::Mock::given(wiremock::matchers::any())
            .respond_with(answer)
            .mount(&odd)
            .await;
        let flags = [format!("--s3-endpoint={}", odd.uri()), format!("--jwt-secret={SECRET}")];
        let server = Server::start_with(None, &flags).await;
        let answer = server
            .call(&admin, "bucket_access_check", json!({ "bucket_name": SHARED }))
            .await;
        for operation in ["list", "read"] {
            let row = evidence(answer.success(), operation);
            assert_eq!(row["result"], result, "{row}");
            assert!(row["detail"].as_str().unwrap().contains(sentence), "{row}");
        }
    }
}

/// S3 is not asked for a right that the operator withholds: the evidence names the operator's settings.
#[tokio::test]
async fn the_servers_own_credentials_write_as_far_as_the_operator_lets_them() {
    let stage = seeded(Stage::embedded().await).await;
    for (ambient, writes, witness) in [("read-only", false, "settings"), ("full", true, "s3")] {
        stage.aws().journal().clear();
        let flags = [
            format!("--ambient={ambient}"),
            "--anonymous".to_owned(),
            format!("--buckets={SHARED}"),
        ];
        let server = Server::start(&stage, Some(&stage.admin), &flags).await;
        let call = |tool: &str, arguments: Value| {
            server.rpc(None, "tools/call", json!({ "name": tool, "arguments": arguments }))
        };
        let arguments = json!({ "bucket_name": SHARED, "operations": ["list", "read", "write"] });
        let check = call("bucket_access_check", arguments).await;
        let row = evidence(check.success(), "write");
        assert_eq!(
            (&row["result"], &row["asked_of"]),
            (&json!(writes), &json!(witness)),
            "{row}"
        );
        let probed = stage
            .aws()
            .journal()
            .entries()
            .iter()
            .any(|entry| entry.operation == "CreateMultipartUpload");
        assert_eq!(probed, writes);
        let put = call(
            "bucket_objects_put",
            json!({ "bucket": SHARED, "items": [{ "key": "k", "text": "x" }] }),
        )
        .await;
        assert_eq!(put.output()["success"], writes, "{}", put.body);

        let recommended = call("permissions_recommendations", json!({})).await;
        let recommended = recommended.success()["recommendations"].as_array().unwrap();
        let ambient = recommended.iter().find(|it| it["category"] == "credentials").unwrap();
        assert!(
            ambient["message"].as_str().unwrap().contains("server's own"),
            "{ambient}"
        );
    }
}

#[tokio::test]
async fn wrong_questions_are_named() {
    let stage = Stage::embedded().await;
    let server = plain(&stage, &[]).await;
    let reader = bearer("reader", &stage.reader);
    let many: Vec<String> = (0..501).map(|number| format!("bucket-{number}")).collect();
    for (tool, arguments, part) in [
        ("bucket_access_check", json!({}), "Argument bucket is required"),
        (
            "bucket_access_check",
            json!({ "bucket_name": SHARED, "operations": [7] }),
            "one of list, read, write",
        ),
        (
            "bucket_access_check",
            json!({ "bucket_name": SHARED, "operations": ["own"] }),
            "operations[0]",
        ),
        ("bucket_access_check", json!({ "bucket_name": "No" }), "3 to 63"),
        (
            "permissions_discover",
            json!({ "check_buckets": [SHARED, "No"] }),
            "check_buckets[1]",
        ),
        ("permissions_discover", json!({ "check_buckets": many }), "at most 500"),
        ("permissions_recommendations", json!({ "x": 1 }), "no argument `x`"),
    ] {
        let answer = server.call(&reader, tool, arguments).await;
        let error = answer.failure("invalid_argument")["error"].as_str().unwrap().to_owned();
        assert!(error.contains(part), "{error}");
    }
    let twice = json!({ "check_buckets": [SHARED, format!("s3://{SHARED}"), PRIVATE] });
    let answer = server.call(&reader, "permissions_discover", twice).await;
    assert_eq!(answer.success()["total_buckets_checked"], 2, "each is asked about once");
}
