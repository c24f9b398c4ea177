//! Manifests written by hand, each with one feature that a reader may accept or reject.

/// Returns all of them.
pub fn all() -> Vec<Vec<u8>> {
    let texts = headers().into_iter().chain(trees()).chain(values()).chain(uris());
    texts
        .map(String::into_bytes)
        .chain([b"\xff".to_vec(), b"{}\n\xed\xa0\x80".to_vec()])
        .collect()
}

fn headers() -> Vec<String> {
    let mut headers: Vec<String> = [
        "",
        "\n",
        "{}",
        "{}\n\n",
        "\n{}",
        "[]",
        "null",
        "\"x\"",
        "1",
        "{}{}",
        "{} x",
        "\u{feff}{}",
        "{\"a\":1,}",
        "{\"top_hash\":[]}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.1}",
        "{\"a\":+1}",
        "{\"a\":Nan}",
        "{\"a\":NaN}",
        "{\"a\":-Infinity}",
        "{\"a\":infinity}",
        "{\"a\":\r1}",
        "{\"a\":1}\r\n",
        "{\"a\":\"\u{7f}\"}",
        "{\"a\":\"\t\"}",
        "{'a':1}",
        "{\"a\":\"\\ud800\"}",
        "{\"\\ud800\":1,\"\\ud7ff\":2,\"\\ue000\":3}",
        "{\"a\":\"\\ud800\\u0041\"}",
        "{\"a\":\"\\x41\"}",
        "{\"a\":\"\\u00zz\"}",
        "\u{c}{}",
        "{}\u{b}",
        "{}\u{2028}{}",
        "{}\u{85}",
        "\u{a0}{}",
        " \t{} ",
    ]
    .map(str::to_owned)
    .to_vec();
    let deep = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    headers.extend([
        deep(100),
        deep(899),
        deep(2000),
        format!("{{\"a\":{}", "[".repeat(100_000)),
    ]);
    headers.extend([4300, 4301].map(|digits| format!("{{\"a\":-{}}}", "7".repeat(digits))));
    headers.push(format!("{{\"a\":1{}.5}}", "0".repeat(5000)));
    headers
}

fn trees() -> Vec<String> {
    let directory = |key: &str| format!("{{\"logical_key\": \"{key}\", \"meta\": {{\"x\": 1}}}}\n");
    let entry = |key: &str| row(&format!("\"{key}\""), "[\"s3://b/k\"]", "1", "{}", "{}");
    let mut trees = Vec::new();
    for keys in [
        ["a", "a"],
        ["a", "a/b"],
        ["a/b", "a"],
        ["a/b/c", "a/b"],
        ["", "/"],
        ["", "/x"],
        ["a/", "a"],
        ["a//b", "a/"],
        ["..", "."],
    ] {
        trees.push(keys.map(entry).concat());
        trees.push(directory(keys[0]) + &entry(keys[1]));
        trees.push(entry(keys[1]) + &directory(keys[0]));
        trees.push(keys.map(directory).concat());
    }
    trees.into_iter().map(with_header).collect()
}

fn values() -> Vec<String> {
    let mut rows = Vec::new();
    for value in [
        "null",
        "0",
        "-0",
        "0.0",
        "false",
        "\"\"",
        "[]",
        "{}",
        "NaN",
        "1",
        "true",
        "\"x\"",
        "[1]",
        "[null]",
        "[[]]",
        "{\"0\":1}",
    ] {
        rows.push(row("\"d/k\"", value, "1", "{}", "{}"));
        rows.push(row("\"d/k\"", "[\"s3://b/k\"]", value, "{}", "{}"));
        rows.push(row("\"d/k\"", "[\"s3://b/k\"]", "1", value, "{}"));
        rows.push(row("\"d/k\"", "[\"s3://b/k\"]", "1", "{}", value));
        rows.push(row(value, "[\"s3://b/k\"]", "1", "{}", "{}"));
        rows.push(format!("{{\"logical_key\": \"d/\", \"meta\": {value}}}"));
    }
    rows.into_iter().map(with_header).collect()
}

fn uris() -> Vec<String> {
    [
        "s3://b",
        "s3://b/",
        "s3://",
        "s3:///k",
        "s3:k",
        "S3://b/k",
        "s3://B_/k",
        "s3://b/%FF",
        "s3://b/%zz",
        "s3://b/k#f",
        "s3://b#f",
        "s3://b/k?",
        "s3://b/k?x",
        "s3://b/k?x=",
        "s3://b/k?x=1",
        "s3://b/k?versionId=1&versionId=2",
        "s3://b/k?versionId=1&x=2",
        "s3://b/k?version%49d=1",
        "s3://b/k?versionId=%FF",
        "s3://b/k?versionId=a%26b+c",
        "s3://b/k;p",
        "s3://b?versionId=1",
        "  s3://b/k",
        "s3://b/a\\tb\\nc",
        "s3://b/k ",
        "http://b/k",
        "k",
        "",
        "s3://[::1]/k",
        "s3://[b/k",
        "s3://ü/k",
        "file:///a",
        "file://localhost/a",
        "file://h/a",
        "file:a",
        "file:/a",
        "file:///a?x",
        "file:///a%00",
        "://b/k",
        "s3//b/k",
        "s3://b/\u{e9}",
        "s3://u@b:1/k",
        "3s://b/k",
    ]
    .map(|uri| with_header(row("\"k\"", &format!("[\"{uri}\"]"), "1", "{}", "{}")))
    .to_vec()
}

fn row(key: &str, physical: &str, size: &str, hash: &str, meta: &str) -> String {
    format!(
        "{{\"logical_key\": {key}, \"physical_keys\": {physical}, \"size\": {size}, \"hash\": {hash}, \"meta\": {meta}}}\n"
    )
}

#[expect(clippy::needless_pass_by_value, reason = "it is mapped over rows")]
fn with_header(rows: String) -> String {
    format!("{{\"version\": \"v0\"}}\n{rows}")
}
