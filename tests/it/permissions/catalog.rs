//! Rights that the catalog declares beside S3: catalogs of two ages, errors that are not an empty answer, and
//! declarations that S3 contradicts.

use serde_json::{Value, json};

use crate::support::graphql::{Age, Stack};
use crate::support::registry::{FakeRegistry, Speaks, Vends};
use crate::support::server::{Answer, Server};
use crate::support::stage::{Keys, PRIVATE, SHARED, Stage};
use crate::support::token;

struct Scene {
    stage: Stage,
    registry: FakeRegistry,
    server: Server,
    bearer: String,
}

impl Scene {
    /// A caller for whom the registry vends these keys and speaks so.
    async fn of(stage: Stage, keys: &Keys, how: Speaks) -> Self {
        stage.seed(SHARED, "there", b"1").await;
        let registry = FakeRegistry::start().await;
        let server = Server::with_registry(&stage, &registry, None).await;
        let bearer = token(json!({ "sub": "alice-id" }));
        registry.vends(&bearer, Vends::Keys(keys.clone(), 3600));
        registry.speaks(&bearer, how);
        Self {
            stage,
            registry,
            server,
            bearer,
        }
    }

    async fn reader(how: Speaks) -> Self {
        let stage = Stage::embedded().await;
        let keys = stage.reader.clone();
        Self::of(stage, &keys, how).await
    }

    async fn call(&self, tool: &str, arguments: Value) -> Answer {
        self.server.call(&self.bearer, tool, arguments).await
    }

    fn asked(&self) -> usize {
        self.registry.count("/graphql")
    }
}

fn stack(age: Age, level: &str) -> Stack {
    Stack::of_alice(age, false, &[(SHARED, Some(level))])
}

fn declared(of: &Value) -> &Value {
    of["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["operation"] == "write_declared")
        .unwrap()
}

/// The queries fit the schema of the catalog's age, by the word of a validator; which form it takes is found out once.
#[tokio::test]
async fn catalogs_of_both_ages_are_asked_in_their_own_form() {
    for (how, first) in [
        (Speaks::Like(stack(Age::Current, "READ_WRITE")), 1),
        (Speaks::Like(stack(Age::BeforeApril2026, "READ_WRITE")), 2),
        (Speaks::Politely(stack(Age::BeforeApril2026, "READ_WRITE")), 2),
    ] {
        let scene = Scene::reader(how).await;
        for (call, asked) in [(1, first), (2, first + 1)] {
            let answer = scene.call("bucket_list", json!({})).await;
            let bucket = &answer.success()["buckets"][0];
            assert_eq!(
                (&bucket["name"], &bucket["title"]),
                (&json!(SHARED), &json!("Title of it-shared"))
            );
            assert_eq!(
                (&bucket["permission_level"], &bucket["write_declared"]),
                (&json!("read_access"), &json!(true)),
                "declared, and S3 was not asked"
            );
            assert_eq!(answer.success()["listed_by"], "catalog");
            assert_eq!(scene.asked(), asked, "call {call}");
        }
        // Another caller of the same registry profits.
        let other = token(json!({ "sub": "other" }));
        scene
            .registry
            .vends(&other, Vends::Keys(scene.stage.reader.clone(), 3600));
        scene
            .registry
            .speaks(&other, Speaks::Like(stack(Age::BeforeApril2026, "READ")));
        let before = scene.asked();
        scene.server.call(&other, "bucket_list", json!({})).await.success();
        assert_eq!(scene.asked() - before, if first == 2 { 1 } else { 2 });

        let discovered = scene.call("permissions_discover", json!({})).await;
        let who = &discovered.success()["user_identity"];
        let account = json!("123456789012");
        assert_eq!(
            (&who["user_id"], &who["name"], &who["aws_account"]),
            (&json!("alice-id"), &json!("alice"), &account)
        );
        assert_eq!(
            (&who["role"], &who["roles"]),
            (&json!("Tests"), &json!(["Tests", "Curators"]))
        );
        assert_eq!(
            (&who["email"], &who["is_admin"]),
            (&json!("alice@example.com"), &json!(false))
        );
        assert!(
            who["aws_arn"].as_str().unwrap().contains("assumed-role/reader/"),
            "{who}"
        );
    }
}

/// The collaborators of all buckets may be more than is read; then the buckets are shown without declared levels.
#[tokio::test]
async fn a_catalog_with_very_many_collaborators_still_shows_its_buckets() {
    let scene = Scene::reader(Speaks::AtLength(stack(Age::Current, "READ_WRITE"))).await;
    let answer = scene.call("bucket_list", json!({})).await;
    assert_eq!(answer.success()["buckets"][0]["permission_level"], "read_access");
    assert_eq!(answer.success()["listed_by"], "catalog");
}

/// The Python server made successes with nothing in them of these.
#[tokio::test]
async fn errors_of_the_catalog_surface_as_errors() {
    let broken = json!({ "data": { "me": null, "buckets": [] }, "errors": [{ "message": "index on fire" }] });
    let logged_out = json!({ "data": { "me": null, "buckets": [] } });
    for (how, code, part) in [
        (Speaks::Says(broken), "upstream", "index on fire"),
        (Speaks::Says(logged_out), "invalid_jwt", "no user is logged in"),
        (Speaks::Status(401), "invalid_jwt", "401"),
        (Speaks::Status(500), "upstream", "500"),
        (
            Speaks::Says(json!({ "data": { "me": 1 } })),
            "upstream",
            "unexpected shape",
        ),
    ] {
        let scene = Scene::reader(how).await;
        for tool in ["bucket_list", "permissions_discover", "permissions_recommendations"] {
            let answer = scene.call(tool, json!({})).await;
            let error = answer.failure(code)["error"].as_str().unwrap().to_owned();
            assert!(error.contains(part), "{tool}: {error}");
        }
        // What S3 answers is told all the same where the catalog is not needed for the question.
        let discovered = scene
            .call("permissions_discover", json!({ "check_buckets": [SHARED] }))
            .await;
        let output = discovered.success();
        assert_eq!(output["bucket_permissions"][0]["permission_level"], "read_access");
        assert!(output["catalog_error"].as_str().unwrap().contains(part), "{output}");
        let check = scene
            .call("bucket_access_check", json!({ "bucket_name": SHARED }))
            .await;
        assert_eq!(check.success()["permission_level"], "read_access");
        let row = declared(check.success());
        assert!(
            row["result"].is_null() && row["detail"].as_str().unwrap().contains(part),
            "{row}"
        );
        let status = scene.call("auth_status", json!({})).await;
        assert!(
            status.success()["catalog_error"].as_str().unwrap().contains(part),
            "{}",
            status.body
        );
        assert_eq!(status.success()["role"], Value::Null);
    }
}

/// Stacks before May 2024, and quilt3-local, whose schemas have no users: the buckets are those of the catalog, or if it
/// lists none, those of S3.
#[tokio::test]
async fn catalogs_without_users_are_asked_for_buckets_alone() {
    for age in [Age::BeforeMay2024, Age::Local] {
        for (buckets, listed_by) in [(&[(SHARED, None)][..], "catalog"), (&[], "s3")] {
            let stage = Stage::embedded().await;
            let keys = stage.session("auditor", None).await;
            let how = Speaks::Mounted(Stack::of_alice(age, false, buckets));
            let scene = Scene::of(stage, &keys, how).await;
            let list = scene.call("bucket_list", json!({})).await;
            assert_eq!(list.success()["listed_by"], listed_by, "{age:?}");
            let first = scene.asked();
            let list = scene.call("bucket_list", json!({})).await;
            let names = list.success()["buckets"].as_array().unwrap();
            assert!(names.iter().any(|bucket| bucket["name"] == SHARED), "{age:?}");
            assert_eq!(scene.asked() - first, 1, "the query that fits is remembered");
            for arguments in [json!({}), json!({ "check_buckets": [SHARED] })] {
                let discovered = scene.call("permissions_discover", arguments).await;
                let output = discovered.success();
                let shared = output["bucket_permissions"].as_array().unwrap();
                let shared = shared.iter().find(|bucket| bucket["name"] == SHARED).unwrap();
                assert_eq!(shared["permission_level"], "read_access");
                let declared = declared(shared)["detail"].as_str().unwrap();
                assert!(declared.contains("has no users"), "{declared}");
                assert_eq!(output["user_identity"]["user_id"], "alice-id");
                assert_eq!(output["catalog_error"], Value::Null);
            }
            scene.call("permissions_recommendations", json!({})).await.success();
            let status = scene.call("auth_status", json!({})).await;
            assert_eq!(status.success()["catalog_error"], Value::Null, "{}", status.body);
        }
    }
}

/// A token is sent to the path with a final slash of the same host, and nowhere else.
#[tokio::test]
async fn no_other_redirect_is_followed() {
    let elsewhere = FakeRegistry::start().await;
    for (status, location) in [
        (307, format!("{}/graphql/", elsewhere.url)),
        (307, "/graphql/other/".to_owned()),
        (307, "/graphql/?x=1".to_owned()),
        (302, "/graphql/".to_owned()),
        (307, "/graphql".to_owned()),
        (307, "//user@/graphql/".to_owned()),
        (308, String::new()),
    ] {
        let scene = Scene::reader(Speaks::Redirects(status, location.clone())).await;
        let answer = scene.call("bucket_list", json!({})).await;
        let failure = answer.failure("upstream");
        assert_eq!(failure["retryable"], false, "{failure}");
        let message = failure["error"].as_str().unwrap();
        assert!(message.contains(&format!("redirect (status {status})")), "{message}");
        assert_eq!((scene.asked(), elsewhere.requests().len()), (1, 0), "{location}");
    }
    // A second redirect is not followed either.
    let scene = Scene::reader(Speaks::Redirects(307, "/graphql/".to_owned())).await;
    scene.call("bucket_list", json!({})).await.failure("upstream");
    assert_eq!((scene.asked(), scene.registry.count("/graphql/")), (1, 1));
}

/// What the registry says of a query is told whole: a 400 names the field in its body.
#[tokio::test]
async fn every_error_of_the_registry_is_reported() {
    let two = json!({ "errors": [{ "message": "index on fire" }, { "message": "and the roof" }], "data": null });
    let scene = Scene::reader(Speaks::Says(two)).await;
    let answer = scene.call("bucket_list", json!({})).await;
    let message = answer.failure("upstream")["error"].as_str().unwrap().to_owned();
    assert!(message.contains("index on fire; and the roof"), "{message}");
    let variable = json!({ "errors": [{ "message": "Variable '$size' got invalid value 0" }] });
    let scene = Scene::reader(Speaks::Says(variable)).await;
    let answer = scene.call("bucket_list", json!({})).await;
    let message = answer.failure("invalid_argument")["error"].as_str().unwrap().to_owned();
    assert!(message.contains("$size"), "{message}");
}

/// A registry that does not know a caller whose credentials come from elsewhere has nothing to say about them.
#[tokio::test]
async fn a_caller_whom_the_registry_does_not_know_is_answered_by_s3() {
    for how in [
        Speaks::Says(json!({ "data": { "me": null, "buckets": [] } })),
        Speaks::Status(401),
    ] {
        let scene = Scene::reader(how.clone()).await;
        let keys = &scene.stage.admin;
        let carried = json!({ "access_key_id": keys.access_key_id, "secret_access_key": keys.secret_access_key });
        let bearer = token(json!({ "sub": "elsewhere", "aws_credentials": carried }));
        scene.registry.speaks(&bearer, how);
        let answer = scene.server.call(&bearer, "bucket_list", json!({})).await;
        assert_eq!(answer.success()["listed_by"], "s3");
        assert_eq!(answer.success()["credential_source"], "jwt");
    }
}

/// The catalog's declaration and S3's behaviour are reported side by side, and S3 decides.
#[tokio::test]
async fn where_s3_does_otherwise_than_the_catalog_says_both_are_reported() {
    let all = json!({ "bucket_name": SHARED, "operations": ["list", "read", "write"] });
    for (role, level, reported, sentence) in [
        ("reader", "READ_WRITE", "read_access", "S3 does not let them write"),
        ("editor", "READ", "write_access", "S3 nevertheless lets them write"),
        ("powerless", "READ_WRITE", "unknown", "S3 does not let them write"),
        ("lister", "READ", "read_access", "S3 does not let them read all of it"),
        (
            "editor",
            "READ_WRITE",
            "write_access",
            "declares READ_WRITE for alice@example.com.",
        ),
    ] {
        let stage = Stage::embedded().await;
        let keys = stage.session(role, None).await;
        // An administrator: that is shown, and changes nothing.
        let stack = Stack::of_alice(Age::Current, true, &[(SHARED, Some(level))]);
        let scene = Scene::of(stage, &keys, Speaks::Like(stack)).await;
        let check = scene.call("bucket_access_check", all.clone()).await;
        assert_eq!(
            check.success()["permission_level"],
            reported,
            "{role} {level}: {}",
            check.body
        );
        let row = declared(check.success());
        assert_eq!(
            (&row["result"], &row["asked_of"]),
            (&json!(level == "READ_WRITE"), &json!("catalog"))
        );
        let detail = row["detail"].as_str().unwrap();
        assert!(
            detail.contains(sentence) && detail.contains(level),
            "{role} {level}: {detail}"
        );
        assert_eq!(
            detail.contains("the answer of S3 takes precedence"),
            (role, level) != ("editor", "READ_WRITE"),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn recommendations_follow_from_what_was_observed() {
    let messages = |answer: &Answer, category: &str| -> String {
        let all = answer.success()["recommendations"].as_array().unwrap().clone();
        let of = all
            .iter()
            .filter(|it| it["category"] == category)
            .map(|it| it["message"].as_str().unwrap().to_owned());
        of.collect::<Vec<_>>().join("\n")
    };
    // Nothing was found, so nothing is said.
    let fine = Scene::reader(Speaks::Like(stack(Age::Current, "READ"))).await;
    let answer = fine.call("permissions_recommendations", json!({})).await;
    assert_eq!(answer.success()["recommendations"], json!([]));

    // A bucket that the catalog shows and S3 denies, one that is not there, and a role that may help.
    let buckets = [(SHARED, Some("READ")), (PRIVATE, Some("READ")), ("it-not-there", None)];
    let scene = Scene::reader(Speaks::Like(Stack::of_alice(Age::Current, false, &buckets))).await;
    let answer = scene.call("permissions_recommendations", json!({})).await;
    let (role, about) = (messages(&answer, "role"), messages(&answer, "buckets"));
    assert!(
        role.contains("Curators") && role.contains(PRIVATE) && !role.contains(SHARED),
        "{role}"
    );
    assert!(
        about.contains(&format!("denies listing or reading of {PRIVATE};")),
        "{about}"
    );
    assert!(about.contains("S3 knows no it-not-there"), "{about}");
    assert_eq!(messages(&answer, "credentials"), "");

    // Credentials and tokens that are about to end.
    let keys = &fine.stage.reader;
    let carried = json!({ "access_key_id": keys.access_key_id, "secret_access_key": keys.secret_access_key,
        "session_token": keys.session_token });
    let soon = token(json!({ "sub": "soon", "exp": crate::support::now() + 300, "aws_credentials": carried }));
    let flags = [
        format!("--jwt-secret={}", crate::support::SECRET),
        format!("--buckets={SHARED}"),
    ];
    let server = Server::start(&fine.stage, None, &flags).await;
    let answer = server.call(&soon, "permissions_recommendations", json!({})).await;
    assert!(
        messages(&answer, "credentials").contains("The token ends at"),
        "{}",
        answer.body
    );
}

/// Account, ARN, kind of key, end, role, and which account the catalog's roles are in.
#[tokio::test]
async fn auth_status_tells_who_the_caller_is_to_aws_and_to_the_catalog() {
    let scene = Scene::reader(Speaks::Like(stack(Age::Current, "READ"))).await;
    let answer = scene.call("auth_status", json!({})).await;
    let status = answer.success();
    assert_eq!(
        (&status["aws_account"], &status["catalog_aws_account"]),
        (&json!("123456789012"), &json!("123456789012"))
    );
    assert!(
        status["aws_arn"]
            .as_str()
            .unwrap()
            .starts_with("arn:aws:sts::123456789012:assumed-role/reader/")
    );
    assert_eq!(
        (&status["aws_role"], &status["key_kind"]),
        (&json!("reader"), &json!("temporary"))
    );
    assert_eq!(
        (&status["role"], &status["roles"]),
        (&json!("Tests"), &json!(["Tests", "Curators"]))
    );
    assert!(status["credentials_expire_at"].is_string());
    assert_eq!(
        status["acts_until"], status["token_expires_at"],
        "the credentials are renewed by themselves"
    );
    assert_eq!(status["catalog_offers"], json!(["search", "athena"]));
    assert_eq!(status["registry_url"], json!(scene.registry.url));

    let keys = &scene.stage.admin;
    let carried = json!({ "access_key_id": keys.access_key_id, "secret_access_key": keys.secret_access_key });
    let long = token(json!({ "sub": "long", "aws_credentials": carried }));
    let answer = scene.server.call(&long, "auth_status", json!({})).await;
    let status = answer.success();
    assert_eq!(
        (&status["key_kind"], &status["aws_role"]),
        (&json!("long_term"), &Value::Null)
    );
    assert_eq!(
        status["catalog_aws_account"],
        Value::Null,
        "the catalog's account is not known from other credentials"
    );
}
