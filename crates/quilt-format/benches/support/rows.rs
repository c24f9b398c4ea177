//! Rows of manifests in quilt3's format, and their canonical form.

/// A header and its canonical form.
pub const HEADER: (&str, &str) = (
    "{\"version\": \"v0\", \"user_meta\": {\"b\": 1, \"a\": 2.5}, \"message\": \"é\"}\n",
    "{\"message\":\"\\u00e9\",\"user_meta\":{\"a\":2.5,\"b\":1},\"version\":\"v0\"}",
);

/// Returns the row of an entry in quilt3's format, and its canonical form.
pub fn entry(n: u64) -> (String, String) {
    let key = format!("data/{:03}/sample-{n:07}.csv", n / 1000);
    let hash = "G+PMuVN7xro+Q61a54Pcqumd/dxrG7EOfhnQeNAPwdI=";
    let size = n * 37;
    let weight = f64::from(u32::try_from(n % 1000).unwrap_or_default()) + 0.5;
    (
        format!(
            "{{\"logical_key\": \"{key}\", \"physical_keys\": [\"s3://example-bucket/ns/pkg/{key}?versionId=abc.DEF_123-456\"], \
             \"size\": {size}, \"hash\": {{\"type\": \"sha2-256-chunked\", \"value\": \"{hash}\"}}, \
             \"meta\": {{\"user_meta\": {{\"station\": \"näh\", \"weight\": {weight}, \"n\": {n}}}}}}}\n"
        ),
        format!(
            "{{\"hash\":{{\"type\":\"sha2-256-chunked\",\"value\":\"{hash}\"}},\"logical_key\":\"{key}\",\
             \"meta\":{{\"user_meta\":{{\"n\":{n},\"station\":\"n\\u00e4h\",\"weight\":{weight}}}}},\"size\":{size}}}"
        ),
    )
}

/// Returns the same without metadata, as in most entries.
pub fn bare_entry(n: u64) -> (String, String) {
    let (row, canonical) = entry(n);
    let cut = |text: &str, from: &str, until: &str, with: &str| {
        let (before, rest) = text.split_once(from).unwrap_or((text, ""));
        let (_, after) = rest.split_once(until).unwrap_or((rest, ""));
        format!("{before}{with}{after}")
    };
    (
        cut(&row, "\"meta\": {", "}}}", "\"meta\": {}}"),
        cut(&canonical, "\"meta\":{", "}}", "\"meta\":{}"),
    )
}
