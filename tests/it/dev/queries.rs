//! Query strings: what is found, and what is a syntax error.

use super::Registry;

#[tokio::test]
async fn query_strings_find_what_they_say() {
    let registry = Registry::start().await;
    let (readme, csv, summer) = (
        "plankton/README.md",
        "plankton/data/measurements.csv",
        "plankton/données/été 2026.csv",
    );
    let (instrument, image) = ("plankton/data/instrument.json", "plankton/images/gradient.png");
    let own = "NOT key:\\.quilt*";
    for (query, expected) in [
        ("readme", &[readme][..]),
        ("README.md", &[readme]),
        ("content:daphnia", &[csv]),
        ("\"Daphnia magna\"", &[csv]),
        ("\"magna Daphnia pulex\"", &[]),
        ("*.csv", &[csv, summer]),
        ("ext:.csv AND Daphnia", &[csv]),
        ("ext:(.csv OR .png)", &[csv, summer, image]),
        ("ext:.csv -Daphnia", &[summer]),
        ("+ext:.csv NOT daphnia", &[summer]),
        ("(readme OR gradient) AND NOT ext:.png", &[readme]),
        ("key:plankton\\/README.md", &[readme]),
        ("key:\"plankton/README.md\"", &[readme]),
        ("key:plankton\\/readme.md", &[]),
        ("key_text:\"data measurements\"", &[csv]),
        ("key:/.*\\.(csv|md)/", &[readme, csv, summer]),
        ("measure?ents.csv*", &[]),
        ("measure?ents AND ext:.csv", &[csv]),
        ("ext:.csv AND size:>=1000", &[csv]),
        ("ext:.csv AND size:[* TO 100]", &[summer]),
        ("ext:.csv AND size:{83 TO 1452]", &[csv]),
        ("_exists_: content AND ext:.json", &[instrument]),
        ("content:* AND ext:.png", &[]),
        ("Évian", &[summer]),
        ("évian", &[summer]),
        ("last_modified:[2020-01-01 TO 2020-02-01]", &[]),
        ("unknown:x", &[]),
    ] {
        assert_eq!(registry.keys(query).await.unwrap(), expected, "{query}");
    }
    for query in ["last_modified:>2020-01-01", "last_modified:[2020-01-01 TO *]", "*", own] {
        let found = registry.keys(query).await.unwrap();
        assert!(
            found.contains(&image.to_owned()) && found.len() >= 5,
            "{query}: {found:?}"
        );
    }
    let heavier = registry.keys("readme^5 OR gradient").await.unwrap();
    assert_eq!(heavier, [readme, image]);
}

#[tokio::test]
async fn what_the_grammar_cannot_read_is_a_syntax_error() {
    let registry = Registry::start().await;
    let deep = format!("{}a{}", "(".repeat(1000), ")".repeat(1000));
    let negated = format!("{}a", "NOT ".repeat(3000));
    for query in [
        "a AND (",
        "((",
        "AND",
        "key:",
        "\"open",
        "size:[1 TO",
        "a/b",
        "key:/open",
        "key:/(/",
        "a~2",
        "\"a b\"~2",
        "a && b",
        "size:many",
        "last_modified:>yesterday",
        "key: IN [a b]",
        &deep,
        &negated,
    ] {
        let error = registry.keys(query).await.unwrap_err();
        assert_eq!(
            (error["name"].as_str(), error["path"].as_str()),
            (Some("QuerySyntaxError"), Some("search.query")),
            "{query}"
        );
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with("Failed to parse query ["), "{message}");
    }
}
