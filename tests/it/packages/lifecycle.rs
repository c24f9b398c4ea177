//! The life of a package from creation to deletion, on the embedded S3 and on SeaweedFS.

use serde_json::{Value, json};

use crate::support::on_both::on_both;
use crate::support::registry::{FakeRegistry, Vends};
use crate::support::rights::{on_objects, policy};
use crate::support::scene::{Scene, keys, uri};
use crate::support::server::Server;
use crate::support::stage::{SHARED, Stage};
use crate::support::{SECRET, token};

/// Three small objects of the writer.
async fn sources(scene: &Scene) {
    scene
        .put(json!([
            { "key": "in/a.csv", "text": "a,b\n1,2\n" },
            { "key": "in/deep/b.md", "text": "# b" },
            { "key": "in/deep/er/c", "data": "AAEC" },
        ]))
        .await;
}

on_both! {
    async fn a_package_is_created_browsed_updated_compared_verified_and_deleted(scene) {
        sources(&scene).await;
        let files = json!([uri("in/a.csv"), { "s3_uri": uri("in/deep/b.md"), "logical_key": "docs/b.md", "meta": { "n": 1.0 } }]);
        let create = json!({ "name": "team/pkg", "files": files, "message": "first", "metadata": { "x": null, "y": [1] } });

        let mut dry = create.clone();
        dry["dry_run"] = true.into();
        let planned = scene.write("package_create", dry).await;
        assert_eq!(keys(&planned), ["a.csv", "docs/b.md"]);
        scene.fails("package_browse", json!({ "name": "team/pkg" }), "no_such_package").await;

        let created = scene.write("package_create", create.clone()).await;
        assert_eq!(created["package"]["hash"], planned["package"]["hash"]);
        assert_eq!((&created["entries_added"], &created["total_bytes"]), (&json!(2), &json!(11)));
        assert_eq!(created["bytes_hashed"], 0, "S3 has the checksums of what was put through the server");
        assert_eq!(created["credential_source"], "catalog");

        let browsed = scene.read("package_browse", json!({ "name": "team/pkg", "detail": "full" })).await;
        assert_eq!(keys(&browsed), ["a.csv", "docs/"]);
        let package = &browsed["package"];
        assert_eq!(package["hash"], created["package"]["hash"]);
        assert_eq!(package["message"], "first");
        assert_eq!(package["metadata"], json!({ "x": null, "y": [1] }), "a null in metadata is the caller's");
        assert_eq!((&package["total_entries"], &package["total_bytes"]), (&json!(2), &json!(11)));
        assert_eq!(browsed["entries"][1]["entries"], 1);
        assert_eq!(browsed["entries"][0]["hash"]["type"], "sha2-256-chunked");
        let read_by = browsed["entries"][0]["s3_uri"].as_str().unwrap();
        assert!(read_by.contains("?versionId="), "{read_by}");
        let text = scene.server.call(&scene.reader, "bucket_object_text", json!({ "s3_uri": read_by })).await;
        assert_eq!(text.success()["text"], "a,b\n1,2\n");

        let again = scene.fails("package_create", create.clone(), "conflict").await;
        assert_eq!(again["details"]["current_hash"], created["package"]["hash"]);
        assert_eq!(again["details"]["diff"], json!({ "added": 0, "changed": 0, "removed": 0 }));

        let update = json!({
            "name": "team/pkg", "add": [uri("in/deep/er/c")], "remove": ["docs/"], "metadata": { "y": 2, "z": {} },
            "message": "second", "expected_hash": created["package"]["hash"],
        });
        let mut dry = update.clone();
        dry["dry_run"] = true.into();
        let planned = scene.write("package_update", dry).await;
        assert_eq!(planned["changes"], json!({ "added": ["c"], "changed": [], "removed": ["docs/b.md"] }));
        let updated = scene.write("package_update", update).await;
        assert_eq!((updated.get("changes"), &updated["package"]["hash"]), (None, &planned["package"]["hash"]));
        assert_eq!(updated["diff"], json!({ "added": 1, "changed": 0, "removed": 1 }));
        let browsed = scene.read("package_browse", json!({ "name": "team/pkg", "recursive": true })).await;
        assert_eq!(keys(&browsed), ["a.csv", "c"]);
        assert_eq!(browsed["package"]["metadata"], json!({ "x": null, "y": 2, "z": {} }));

        let versions = scene.read("package_versions", json!({ "name": "team/pkg" })).await;
        let hashes: Vec<&Value> = versions["versions"].as_array().unwrap().iter().map(|version| &version["hash"]).collect();
        assert_eq!(hashes, [&updated["package"]["hash"], &created["package"]["hash"]]);
        assert_eq!(versions["versions"][0]["is_latest"], true);
        assert_eq!(versions["versions"][1]["is_latest"], false);

        let diff = scene.read("package_diff", json!({ "name": "team/pkg" })).await;
        assert_eq!(diff["counts"], json!({ "added": 1, "changed": 0, "removed": 1 }));
        assert_eq!(diff["added"][0]["logical_key"], "c");
        assert_eq!(diff["removed"][0]["logical_key"], "docs/b.md");
        assert_eq!(diff["metadata_changed"], true);

        let verified = scene.read("package_verify", json!({ "name": "team/pkg", "check_objects": true })).await;
        assert_eq!(verified["manifest_ok"], true);
        assert_eq!((&verified["objects"]["checked"], &verified["objects"]["ok"]), (&json!(2), &json!(2)), "{verified}");

        let listed = scene.read("package_list", json!({})).await;
        assert_eq!(listed["packages"][0]["name"], "team/pkg");
        assert_eq!(listed["packages"][0]["latest_hash"], updated["package"]["hash"]);

        scene.fails("package_delete", json!({ "name": "team/pkg" }), "confirmation_required").await;
        let gone = scene.write("package_delete", json!({
            "name": "team/pkg", "confirm": "team/pkg", "hash": updated["package"]["hash"],
        })).await;
        assert_eq!(gone["latest_after"], created["package"]["hash"]);
        let gone = scene.write("package_delete", json!({ "name": "team/pkg", "confirm": "team/pkg" })).await;
        assert_eq!(gone["deleted_pointers"].as_array().unwrap().len(), 2);
        scene.fails("package_browse", json!({ "name": "team/pkg" }), "no_such_package").await;
        assert_eq!(scene.read("package_list", json!({})).await["returned"], 0);
    }
}

/// A catalog says which checksum new packages get; the caller's own word outweighs it.
#[tokio::test]
async fn the_catalogs_config_chooses_the_checksum() {
    let stage = Stage::embedded().await;
    // Like S3, this one keeps a CRC64NVME of objects that are written without another checksum.
    stage
        .aws()
        .put_object(SHARED, "in/x", b"x".to_vec(), None, &[])
        .unwrap();
    for (config, asked, kind) in [
        (Some(true), None, "CRC64NVME"),
        (Some(true), Some("sha2-256-chunked"), "sha2-256-chunked"),
        (Some(false), None, "sha2-256-chunked"),
        (None, None, "sha2-256-chunked"),
        (None, Some("CRC64NVME"), "CRC64NVME"),
    ] {
        let registry = FakeRegistry::start().await;
        let writer = token(json!({ "sub": "writer" }));
        registry.vends(&writer, Vends::Keys(stage.writer.clone(), 3600));
        let catalog = wiremock::MockServer::start().await;
        let mut answer = json!({ "registryUrl": registry.url });
        if let Some(config) = config {
            answer["crc64Checksums"] = config.into();
        }
        let answer = wiremock::ResponseTemplate::new(200).set_body_json(answer);
        wiremock::Mock::given(wiremock::matchers::path("/config.json"))
            .respond_with(answer)
            .mount(&catalog)
            .await;
        let flags = [
            format!("--jwt-secret={SECRET}"),
            format!("--catalog-url={}", catalog.uri()),
        ];
        let server = Server::start(&stage, None, &flags).await;
        let mut create = json!({ "bucket": SHARED, "name": "team/sum", "files": [uri("in/x")], "overwrite": true });
        if let Some(asked) = asked {
            create["hash_type"] = asked.into();
        }
        server.call(&writer, "package_create", create).await.success();
        let browse = json!({ "bucket": SHARED, "name": "team/sum", "detail": "full" });
        let browsed = server.call(&writer, "package_browse", browse).await;
        assert_eq!(
            browsed.success()["entries"][0]["hash"]["type"],
            kind,
            "{config:?} {asked:?}"
        );
    }
}

/// What one caller has read may not be for another: a manifest that the server knows is asked of S3 for each caller anew.
#[tokio::test]
async fn a_manifest_that_is_known_is_shown_to_nobody_who_may_not_read_it() {
    let stage = Stage::embedded().await;
    let (readers, others) = (token(json!({ "sub": "reader" })), token(json!({ "sub": "other" })));
    let registry = FakeRegistry::start().await;
    let writer = token(json!({ "sub": "writer" }));
    registry.vends(&writer, Vends::Keys(stage.writer.clone(), 3600));
    registry.vends(&readers, Vends::Keys(stage.reader.clone(), 3600));
    let allowed = json!({ "Effect": "Allow", "Action": "s3:*", "Resource": "*" });
    let narrowed = policy(&[allowed, on_objects("Deny", &["s3:GetObject"], ".quilt/packages/*")]);
    registry.vends(
        &others,
        Vends::Keys(stage.session("reader", Some(&narrowed)).await, 3600),
    );
    let server = Server::with_registry(&stage, &registry, None).await;
    stage.seed(SHARED, "in/x", b"x").await;
    let create = json!({ "bucket": SHARED, "name": "team/known", "files": [uri("in/x")] });
    let created = server.call(&writer, "package_create", create).await;
    let browse = json!({ "bucket": SHARED, "name": "team/known", "hash": created.success()["package"]["hash"] });
    for _ in 0..2 {
        server.call(&readers, "package_browse", browse.clone()).await.success();
        server
            .call(&others, "package_browse", browse.clone())
            .await
            .failure("access_denied");
    }
}
