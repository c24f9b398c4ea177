//! `bucket_object_text` of content that is not plain UTF-8: compressed, UTF-16, with NUL bytes.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::support::scene::{Scene, uri};
use crate::support::stage::{SHARED, Stage, client};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn scene(objects: &[(&str, &[u8])]) -> Scene {
    let scene = Scene::on(Stage::embedded().await).await;
    for (key, bytes) in objects {
        scene.stage.seed(SHARED, key, bytes).await;
    }
    scene
}

async fn read(scene: &Scene, key: &str, more: Value) -> Value {
    let mut arguments = json!({ "s3_uri": uri(key) });
    arguments
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    scene
        .server
        .call(&scene.reader, "bucket_object_text", arguments)
        .await
        .output()
        .clone()
}

fn sentence(failure: &Value) -> &str {
    assert_eq!(failure["error_code"], "invalid_argument", "{failure}");
    failure["error"].as_str().unwrap()
}

#[tokio::test]
async fn gzip_is_unpacked_in_pieces_within_the_bound() {
    let text = "añ€😀 line\n".repeat(4000);
    let two_members = [gzip(&text.as_bytes()[..30]), gzip(&text.as_bytes()[30..])].concat();
    let scene = scene(&[("whole.log.gz", &two_members)]).await;
    let put = client(&scene.stage.endpoint, &scene.stage.admin)
        .put_object()
        .bucket(SHARED)
        .key("encoded.json");
    let packed = gzip(text.as_bytes());
    put.body(packed.clone().into())
        .content_encoding("gzip")
        .send()
        .await
        .unwrap();
    for key in ["whole.log.gz", "encoded.json"] {
        let (mut whole, mut offset) = (String::new(), 0);
        loop {
            let piece = read(&scene, key, json!({ "offset": offset, "max_bytes": 20_001 })).await;
            assert_eq!(piece["unpacked"], "gzip", "{key}: {piece}");
            whole.push_str(piece["text"].as_str().unwrap());
            offset = piece["offset"].as_u64().unwrap() + piece["bytes_read"].as_u64().unwrap();
            if piece["truncated"] == false {
                break;
            }
            assert!(piece["bytes_read"].as_u64().unwrap() > 19_990, "{piece}");
        }
        assert_eq!(whole, text, "{key}");
    }
    let first = read(&scene, "encoded.json", json!({})).await;
    assert_eq!(
        (&first["content_encoding"], &first["size"]),
        (&json!("gzip"), &json!(packed.len()))
    );
}

#[tokio::test]
async fn gzip_that_cannot_be_unpacked_is_refused_with_its_reason() {
    let bomb = gzip(&vec![b'a'; 64 << 20]);
    let cut = gzip("some text that is cut off".repeat(50).as_bytes());
    let binary = gzip(b"text\0with a NUL");
    let objects: [(&str, &[u8]); 3] = [
        ("bomb.gz", &bomb),
        ("cut.gz", &cut[..cut.len() - 20]),
        ("binary.gz", &binary),
    ];
    let scene = scene(&objects).await;
    assert_eq!(
        read(&scene, "bomb.gz", json!({ "max_bytes": 5 })).await["text"],
        "aaaaa"
    );
    let far = read(&scene, "bomb.gz", json!({ "offset": 60 << 20 })).await;
    assert!(sentence(&far).contains("offset"), "{far}");
    let cut = read(&scene, "cut.gz", json!({})).await;
    assert!(sentence(&cut).contains("gzip"), "{cut}");
    let binary = read(&scene, "binary.gz", json!({})).await;
    assert!(sentence(&binary).contains("NUL"), "{binary}");
    let put = client(&scene.stage.endpoint, &scene.stage.admin)
        .put_object()
        .bucket(SHARED)
        .key("b");
    put.body(b"\xff\xfe\xfd brotli".to_vec().into())
        .content_encoding("br")
        .send()
        .await
        .unwrap();
    let brotli = read(&scene, "b", json!({})).await;
    assert!(sentence(&brotli).contains("compressed (br)"), "{brotli}");
}

#[tokio::test]
async fn text_says_which_encoding_it_is_in() {
    let utf_16: Vec<u8> = "\u{feff}Grüße😀".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big_endian: Vec<u8> = "\u{feff}Grüße😀".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let objects: [(&str, &[u8]); 5] = [
        ("le.txt", &utf_16),
        ("be.txt", &big_endian),
        ("sig.txt", b"\xef\xbb\xbftext"),
        ("nul.log", b"line one\nline \0 two\n"),
        ("latin.txt", b"caf\xe9\n"),
    ];
    let scene = scene(&objects).await;
    for (key, encoding) in [("le.txt", "utf-16le"), ("be.txt", "utf-16be")] {
        let refused = read(&scene, key, json!({})).await;
        let mark = format!("begins with a {} byte-order mark", encoding.to_uppercase());
        assert!(sentence(&refused).contains(&mark), "{refused}");
        assert!(
            refused["hint"]
                .as_str()
                .unwrap()
                .contains(&format!("encoding={encoding}")),
            "{refused}"
        );
        assert_eq!(
            read(&scene, key, json!({ "encoding": encoding })).await["text"],
            "Grüße😀"
        );
        let by_mark = read(&scene, key, json!({ "encoding": "utf-16" })).await;
        assert_eq!(
            (&by_mark["text"], &by_mark["encoding"]),
            (&json!("Grüße😀"), &json!(encoding))
        );
        let later = read(&scene, key, json!({ "encoding": "UTF16", "offset": 4 })).await;
        assert_eq!(later["text"], "rüße😀", "{later}");
    }
    let unmarked = read(&scene, "latin.txt", json!({ "encoding": "utf-16" })).await;
    assert!(sentence(&unmarked).contains("byte-order mark"), "{unmarked}");
    for encoding in ["utf-8-sig", "UTF_8_SIG", "utf-8"] {
        assert_eq!(
            read(&scene, "sig.txt", json!({ "encoding": encoding })).await["text"],
            "text",
            "{encoding}"
        );
    }
    let nul = read(&scene, "nul.log", json!({ "offset": 3 })).await;
    assert!(sentence(&nul).contains("holds NUL bytes (first at 14)"), "{nul}");
    let latin = read(&scene, "latin.txt", json!({})).await;
    assert!(
        sentence(&latin).contains("is not utf-8 text (byte 0xe9 at 3)"),
        "{latin}"
    );
}

#[tokio::test]
async fn text_is_written_in_the_encoding_that_its_name_says() {
    let scene = scene(&[]).await;
    scene
        .put(json!([{ "key": "sig", "text": "é", "encoding": "utf-8-sig" }, { "key": "16", "text": "é", "encoding": "utf-16" }]))
        .await;
    let bytes = |key: &str| scene.stage.aws().object_bytes(SHARED, key).unwrap();
    assert_eq!(bytes("sig"), b"\xef\xbb\xbf\xc3\xa9");
    assert_eq!(bytes("16"), b"\xff\xfe\xe9\0");
    for key in ["sig", "16"] {
        let encoding = if key == "sig" { "utf-8-sig" } else { "utf-16" };
        assert_eq!(read(&scene, key, json!({ "encoding": encoding })).await["text"], "é");
    }
}
