//! Reported rights, compared with the outcome of real calls, on the embedded S3 and on SeaweedFS.
//!
//! The Python server reported `write_access` in one place and `read_access` in another, without having asked S3 in
//! either.

use serde_json::{Value, json};

use crate::support::graphql::{Age, Stack};
use crate::support::registry::{FakeRegistry, Speaks, Vends};
use crate::support::rights::{on_bucket, on_objects, policy};
use crate::support::server::Server;
use crate::support::stage::{Keys, SHARED, Stage};
use crate::support::{SECRET, token};

/// A role, and the facts about it.
struct Case {
    name: &'static str,
    role: &'static str,
    session_policy: Option<Value>,
    /// Listing, reading, writing; `None` where nothing can be established about the bucket as a whole.
    can: [Option<bool>; 3],
    /// The level before and after S3 was asked about writing. `unknown` where all was denied and the catalog shows the bucket,
    /// which is `no_access` where no catalog shows it.
    levels: [&'static str; 2],
}

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);

fn cases() -> Vec<Case> {
    let (none, read, write) = ("unknown", "read_access", "write_access");
    let case = |role, can, levels| Case {
        name: role,
        role,
        session_policy: None,
        can,
        levels,
    };
    let reads = policy(&[on_bucket("s3:ListBucket"), on_objects("Allow", &["s3:GetObject"], "*")]);
    let gets = policy(&[on_objects("Allow", &["s3:GetObject"], "*")]);
    let narrowed = |name, by, can, levels| Case {
        name,
        role: "editor",
        session_policy: Some(by),
        can,
        levels,
    };
    vec![
        case("powerless", [NO, None, NO], [none, none]),
        case("lister", [YES, NO, NO], [read, read]),
        case("getter", [NO, YES, NO], [read, read]),
        case("reader", [YES, YES, NO], [read, read]),
        case("editor", [YES, YES, YES], [read, write]),
        case("dropbox", [NO, None, YES], [none, write]),
        case("team-a", [NO, None, NO], [none, none]),
        case("packages", [NO, YES, NO], [read, read]),
        case("forbidden", [YES, YES, NO], [read, read]),
        narrowed("narrowed to reading", reads, [YES, YES, NO], [read, read]),
        narrowed("narrowed to getting", gets, [NO, YES, NO], [read, read]),
    ]
}

pub async fn seeded(stage: Stage) -> Stage {
    for key in [".quilt/named_packages/ns/name/latest", "README.md", "team-a/x", "there"] {
        stage.seed(SHARED, key, b"1").await;
    }
    stage
}

fn embedding(keys: &Keys) -> Value {
    json!({ "access_key_id": keys.access_key_id, "secret_access_key": keys.secret_access_key,
        "session_token": keys.session_token })
}

/// A server without a catalog, whose tokens carry their credentials.
pub async fn plain(stage: &Stage, flags: &[String]) -> Server {
    let mut all = vec![format!("--jwt-secret={SECRET}"), format!("--buckets={SHARED}")];
    all.extend_from_slice(flags);
    Server::start(stage, None, &all).await
}

pub fn bearer(sub: &str, keys: &Keys) -> String {
    token(json!({ "sub": sub, "aws_credentials": embedding(keys) }))
}

fn can(of: &Value) -> [Option<bool>; 3] {
    ["can_list", "can_read", "can_write"].map(|name| match &of[name] {
        Value::Null => None,
        value => Some(value.as_bool().unwrap()),
    })
}

pub fn evidence<'a>(of: &'a Value, operation: &str) -> &'a Value {
    of["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["operation"] == operation)
        .unwrap_or(&Value::Null)
}

/// What each tool says about the shared bucket: without and with asking about writing. Where two are asked the same they
/// must say the same; the answers of the check are returned.
pub async fn answers(server: &Server, bearer: &str, name: &str) -> (Value, Value) {
    let list = server.call(bearer, "bucket_list", json!({})).await;
    let listed = list.success()["buckets"]
        .as_array()
        .unwrap()
        .iter()
        .find(|bucket| bucket["name"] == SHARED);
    let listed = listed.unwrap_or_else(|| panic!("{name}: {}", list.body)).clone();
    let mut checked = Vec::new();
    for (probe, operations) in [
        (false, json!(["list", "read"])),
        (true, json!(["list", "read", "write"])),
    ] {
        let arguments = json!({ "check_buckets": [SHARED], "probe_write": probe });
        let discover = server.call(bearer, "permissions_discover", arguments).await;
        let discovered = discover.success()["bucket_permissions"][0].clone();
        let check = server
            .call(
                bearer,
                "bucket_access_check",
                json!({ "bucket": SHARED, "operations": operations }),
            )
            .await;
        let check = check.success().clone();
        let level = check["permission_level"].as_str().unwrap();
        assert_eq!(
            discovered["permission_level"], level,
            "{name}: discover and check, write asked: {probe}"
        );
        assert_eq!(can(&discovered), can(&check["access_summary"]), "{name}");
        let categories = &discover.success()["categorized_buckets"];
        assert_eq!(categories[level], json!([SHARED]), "{name}: {}", discover.body);
        let is_declared = discovered["write_declared"] == true && !probe;
        assert_eq!(
            categories["write_declared"] == json!([SHARED]),
            is_declared,
            "{name}: {}",
            discover.body
        );
        if !probe {
            assert_eq!(listed["permission_level"], level, "{name}: list and check");
            assert_eq!(can(&listed), can(&check["access_summary"]), "{name}: list and check");
        }
        for row in check["evidence"].as_array().unwrap() {
            assert!(
                !row["detail"].as_str().unwrap().is_empty() && row["at"].is_string(),
                "{name}: {row}"
            );
        }
        checked.push(check);
    }
    let probed = checked.pop().unwrap();
    (checked.pop().unwrap(), probed)
}

/// The answers hold: S3's, asked through the tools that really list, read and write.
async fn real_calls_agree(server: &Server, bearer: &str, case: &Case, probed: &Value) {
    let listed = server
        .call(bearer, "bucket_objects_list", json!({ "bucket": SHARED }))
        .await;
    // The finding about reading is about the key that the evidence names.
    let named = evidence(probed, "read")["method"]
        .as_str()
        .unwrap()
        .split_once(" of ")
        .map(|(_, uri)| uri.to_owned());
    let uri = named.unwrap_or_else(|| format!("s3://{SHARED}/there"));
    let read = server
        .call(bearer, "bucket_object_text", json!({ "s3_uri": uri }))
        .await;
    let items = json!([{ "key": format!("real/{}", case.name), "text": "x" }]);
    let put = server
        .call(
            bearer,
            "bucket_objects_put",
            json!({ "bucket": SHARED, "items": items }),
        )
        .await;
    for ((operation, answer), said) in [("list", listed), ("read", read), ("write", put)]
        .into_iter()
        .zip(case.can)
    {
        let really = answer.output()["success"].as_bool().unwrap();
        if let Some(said) = said {
            assert_eq!(said, really, "{} {operation}: {}", case.name, answer.body);
        }
    }
}

/// No catalog, and catalogs of two ages that declare this or that to administrators and others.
fn catalogs() -> Vec<(&'static str, bool, Option<Stack>)> {
    let stack = |age, is_admin, level| Some(Stack::of_alice(age, is_admin, &[(SHARED, level)]));
    vec![
        ("no catalog", false, None),
        ("declares READ", false, stack(Age::Current, false, Some("READ"))),
        (
            "an administrator of whom nothing is declared",
            false,
            stack(Age::Current, true, None),
        ),
        (
            "declares READ_WRITE",
            true,
            stack(Age::Current, false, Some("READ_WRITE")),
        ),
        (
            "an older one declares it to an administrator",
            true,
            stack(Age::BeforeApril2026, true, Some("READ_WRITE")),
        ),
    ]
}

async fn the_matrix(stage: Stage, catalogs: Vec<(&'static str, bool, Option<Stack>)>) {
    let stage = seeded(stage).await;
    let before = stage.inventory(SHARED).await;
    let registry = FakeRegistry::start().await;
    let without = plain(&stage, &[]).await;
    let with = Server::with_registry(&stage, &registry, None).await;
    for case in cases() {
        let keys = stage.session(case.role, case.session_policy.as_ref()).await;
        for (catalog, declares_writing, stack) in &catalogs {
            let name = format!("{}, {catalog}", case.name);
            let (server, bearer) = match stack {
                None => (&without, bearer(&name, &keys)),
                Some(stack) => {
                    let bearer = token(json!({ "sub": name }));
                    registry.vends(&bearer, Vends::Keys(keys.clone(), 3600));
                    registry.speaks(&bearer, Speaks::Like(stack.clone()));
                    (&with, bearer)
                }
            };
            let (asked, probed) = answers(server, &bearer, &name).await;
            let [list, read, _] = case.can;
            assert_eq!(can(&asked["access_summary"]), [list, read, None], "{name}: {asked:#}");
            assert_eq!(can(&probed["access_summary"]), case.can, "{name}: {probed:#}");
            let [unasked, probed_level] = case.levels.map(|level| match (level, stack) {
                ("unknown", None) => "no_access",
                (level, _) => level,
            });
            assert_eq!(
                (&asked["permission_level"], &probed["permission_level"]),
                (&json!(unasked), &json!(probed_level)),
                "{name}"
            );
            let is_accessible = matches!(probed_level, "read_access" | "write_access");
            assert_eq!(probed["accessible"], is_accessible, "{name}");
            let declared = &asked["write_declared"];
            assert_eq!(declared == true, *declares_writing, "{name}: {asked:#}");
        }
    }
    // All of them have been asked whether they may write, and nothing came of it: no object, no version, no upload.
    assert_eq!(stage.inventory(SHARED).await, before);
    for case in cases() {
        let keys = stage.session(case.role, case.session_policy.as_ref()).await;
        let bearer = bearer(case.name, &keys);
        let (_, probed) = answers(&without, &bearer, case.name).await;
        real_calls_agree(&without, &bearer, &case, &probed).await;
    }
}

#[tokio::test]
async fn what_is_said_is_what_real_calls_meet() {
    the_matrix(Stage::embedded().await, catalogs()).await;
}

#[tokio::test]
async fn seaweedfs_agrees() {
    let declared = catalogs()
        .into_iter()
        .filter(|(name, ..)| *name == "declares READ_WRITE")
        .collect();
    the_matrix(Stage::seaweedfs().await, declared).await;
}

/// Rights may differ by key: a write that is denied for the bucket as a whole works in one folder, and was not reported as
/// denied.
#[tokio::test]
async fn rights_in_one_folder_are_not_denied_away() {
    let stage = seeded(Stage::embedded().await).await;
    let server = plain(&stage, &[]).await;
    let team = bearer("team", &stage.session("team-a", None).await);
    let list = json!({ "bucket": SHARED, "prefix": "team-a/" });
    server.call(&team, "bucket_objects_list", list).await.success();
    server
        .call(
            &team,
            "bucket_object_text",
            json!({ "s3_uri": format!("s3://{SHARED}/team-a/x") }),
        )
        .await
        .success();
    let (_, probed) = answers(&server, &team, "team").await;
    assert_eq!(
        probed["permission_level"], "no_access",
        "of the bucket as a whole: {probed}"
    );
    let below = json!({ "bucket": SHARED, "prefix": "team-a/", "operations": ["list", "read", "write"] });
    let below = server.call(&team, "bucket_access_check", below).await.success().clone();
    assert_eq!(can(&below["access_summary"]), [YES, YES, YES], "{below}");
    let other = json!({ "bucket": SHARED, "prefix": "there", "operations": ["list", "read", "write"] });
    let other = server.call(&team, "bucket_access_check", other).await.success().clone();
    assert_eq!(can(&other["access_summary"]), [NO, None, NO], "{other}");
    let write = evidence(&probed, "write")["detail"].as_str().unwrap();
    assert!(
        write.contains("/quilt-mcp-write-probe/") && write.contains("Other keys"),
        "it says at which key: {write}"
    );

    let packages = bearer("packages", &stage.session("packages", None).await);
    let (asked, _) = answers(&server, &packages, "packages").await;
    assert_eq!(evidence(&asked, "list_packages")["result"], true, "{asked}");
}
