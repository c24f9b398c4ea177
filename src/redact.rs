//! Redaction of access key IDs, for logs and answers.

/// Returns the prefix (`AKIA`, `ASIA`) and the last four characters of an access key ID.
#[must_use]
pub fn key_id(id: &str) -> String {
    match (id.get(..4), id.len().checked_sub(4).and_then(|at| id.get(at..))) {
        (Some(kind), Some(tail)) if id.len() >= 12 => format!("{kind}…{tail}"),
        _ => "…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn shows_ends_only() {
        assert_eq!(super::key_id("ASIAABCDEFGHIJKLMNOP"), "ASIA…MNOP");
        assert_eq!(super::key_id("short"), "…");
        assert_eq!(super::key_id("ü"), "…");
    }
}
