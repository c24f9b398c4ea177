use proptest::prelude::*;

use super::*;

const BASE: &str = "version: '1'\nworkflows:\n  w: {name: W}\n";

#[test]
fn a_configuration_says_where_it_is_wrong() {
    for (text, place) in [
        (
            BASE.replace("{name: W}", "{name: no}"),
            "`workflows.w.name`: expected a string (in quotes",
        ),
        (
            BASE.replace("{name: W}", "{name: W, x: 1}"),
            "`workflows.w`: `x` is not known here",
        ),
        (BASE.replace("'1'", "1"), "`version`"),
        (format!("{BASE}schemas: {{a: {{}}}}"), "`schemas.a`: `url` is required"),
        (
            format!("{BASE}schemas: {{2021: {{url: x}}}}"),
            "`schemas`: a key is a number and not a string; write it in quotes",
        ),
        ("a: [".to_owned(), "is not YAML"),
    ] {
        let error = WorkflowConfig::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(place), "{error}");
    }
}

#[test]
fn aliases_do_not_multiply() {
    let mut text = String::from("a: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]\n");
    for level in 1..12 {
        let below = format!("*a{}", level - 1);
        text.push_str(
            &[
                &format!("b{level}: &a{level} ["),
                [below.as_str(); 9].join(", ").as_str(),
                "]\n",
            ]
            .concat(),
        );
    }
    assert!(
        WorkflowConfig::parse(text.as_bytes())
            .unwrap_err()
            .to_string()
            .contains("more than 10000 values")
    );
    let deep = format!("a: {}", "[".repeat(100_000));
    assert!(WorkflowConfig::parse(deep.as_bytes()).is_err());
    let recursive = format!("{BASE}catalog: &a [*a]\n");
    assert!(WorkflowConfig::parse(recursive.as_bytes()).is_err());
}

#[test]
fn deep_schemas_are_refused() {
    let deep = |depth: usize| format!("{}true{}", "{\"not\":".repeat(depth), "}".repeat(depth));
    assert!(schema::compile("s", deep(100).as_bytes()).is_ok());
    assert!(schema::compile("s", deep(101).as_bytes()).is_err());
    assert!(schema::compile("s", deep(800).as_bytes()).is_err());
}

proptest! {
    #[test]
    fn no_configuration_makes_it_panic(text in "(version: '1'\n|workflows:\n|  w: |name: |[\\[\\]{}&*!|>'\"#%@\\n :,a1~<=-]){0,40}") {
        let _ = WorkflowConfig::parse(text.as_bytes());
    }

    #[test]
    fn no_pattern_makes_it_panic(text in "[\\[\\]\\\\(){}^$.*+?|:<>=!#PabdwsZNux01,&~é-]{0,20}") {
        if let Ok(translated) = pattern::translate(&text) {
            let _ = fancy_regex::Regex::new(&translated).map(|regex| regex.is_match("ab1é-\n"));
        }
    }

    #[test]
    fn no_schema_makes_it_panic(text in "(\"(pattern|not|items|patternProperties|multipleOf|\\$ref|type|a)\"|[\\[\\]{}:,0-9a\"]){0,20}") {
        let _ = schema::compile("s", text.as_bytes());
    }
}
