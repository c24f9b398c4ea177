//! Pointers that a lifecycle rule has archived: each is a pointer that cannot be read, and stops nothing else.

use serde_json::{Value, json};

use crate::support::faults::by_rule::RuleProxy;
use crate::support::scene::Scene;
use crate::support::stage::{SHARED, Stage};

#[tokio::test]
async fn an_archived_pointer_is_shown_as_such_and_stops_nothing() {
    let mut stage = Stage::embedded().await;
    let s3 = RuleProxy::before(&stage.endpoint).await;
    stage.endpoint.clone_from(&s3.url);
    let scene = Scene::on(stage).await;
    let mut hashes = Vec::new();
    for number in 0..3 {
        let create =
            json!({ "name": "made/elsewhere", "files": [], "readme": format!("# {number}"), "overwrite": true });
        let created = scene.write("package_create", create).await;
        hashes.push(created["package"]["hash"].as_str().unwrap().to_owned());
    }
    let key = |name: &str| format!(".quilt/named_packages/t/p/{name}");
    for (name, hash) in [
        ("1600000000", &hashes[0]),
        ("1600000050", &hashes[1]),
        ("1600000100", &hashes[2]),
        ("latest", &hashes[2]),
    ] {
        scene.stage.seed(SHARED, &key(name), hash.as_bytes()).await;
    }
    let problem = |name: &str| {
        format!(
            "s3://{SHARED}/{} is archived and has to be restored before it can be read",
            key(name)
        )
    };
    let versions = async || {
        let listed = scene.read("package_versions", json!({ "name": "t/p" })).await;
        let rows = listed["versions"].as_array().unwrap().clone();
        let shown = rows.iter().map(|row| (row["hash"].clone(), row["problem"].clone()));
        shown.collect::<Vec<(Value, Value)>>()
    };

    s3.archive(&format!("{SHARED}/{}", key("1600000050")));
    let rest = [
        (json!(hashes[2]), Value::Null),
        (Value::Null, json!(problem("1600000050"))),
        (json!(hashes[0]), Value::Null),
    ];
    assert_eq!(versions().await, rest);

    s3.archive(&format!("{SHARED}/{}", key("latest")));
    let listed = scene.read("package_list", json!({})).await;
    let names: Vec<&Value> = listed["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| &package["name"])
        .collect();
    assert_eq!(names, [&json!("made/elsewhere"), &json!("t/p")]);
    let shown = versions().await;
    assert_eq!(
        (&shown[0], &shown[1..]),
        (&(Value::Null, json!(problem("latest"))), &rest[..])
    );
    let failure = scene
        .refuses("package_browse", json!({ "name": "t/p" }), "invalid_manifest")
        .await;
    assert!(
        failure["error"].as_str().unwrap().contains(&problem("latest")),
        "{failure}"
    );
    assert!(
        failure["hint"]
            .as_str()
            .unwrap()
            .contains(&format!("hash={}", hashes[2])),
        "{failure}"
    );
    scene
        .read("package_browse", json!({ "name": "t/p", "hash": hashes[2] }))
        .await;

    let create = json!({ "name": "t/p", "files": [], "readme": "# new" });
    scene.refuses("package_create", create.clone(), "conflict").await;
    let delete = json!({ "name": "t/p", "confirm": "t/p", "dry_run": true });
    let planned = scene.write("package_delete", delete).await;
    assert_eq!(planned["deleted_pointers"].as_array().unwrap().len(), 4);
    let mut create = create;
    create["overwrite"] = true.into();
    let created = scene.write("package_create", create).await;
    let browsed = scene.read("package_browse", json!({ "name": "t/p" })).await;
    assert_eq!(browsed["package"]["hash"], created["package"]["hash"]);

    s3.archive(&format!("{SHARED}/{}", key("latest")));
    scene
        .write("package_delete", json!({ "name": "t/p", "confirm": "t/p" }))
        .await;
    assert_eq!(scene.read("package_list", json!({})).await["returned"], 1);
}
