//! Workflows against the real quilt3: the same configurations, choices and packages are accepted and refused.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use quilt_format::workflow::{Candidate, Choice, LoadedSchema, Validator, WorkflowConfig, without_config};
use quilt_format::{Manifest, PhysicalKey};
use serde_json::{Value, json};

use super::format::ask_quilt3;

const CONFIG: &str = "s3://registry/.quilt/workflows/config.yml";
const HERO: &str = r#"{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "required": ["superhero"],
    "properties": {"superhero": {"enum": ["Batman"]}}}"#;
const ENTRIES: &str = r#"{"type": "array", "contains": {"properties": {"logical_key": {"const": "README.md"}}}}"#;

/// The fixtures' configuration.
fn config() -> String {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/quilt3/workflows_config.yml");
    fs::read_to_string(place).unwrap()
}

fn manifest(user_meta: &str, keys: &[&str]) -> String {
    let mut text = format!("{{\"version\": \"v0\"{user_meta}}}\n");
    for key in keys {
        let _ = writeln!(
            text,
            "{{\"logical_key\": \"{key}\", \"physical_keys\": [\"s3://b/k\"], \"size\": 4, \"hash\": {{}}, \"meta\": {{}}}}"
        );
    }
    text
}

/// The schemas of the configuration, with this one for the metadata.
fn schemas(metadata: &str) -> Value {
    json!({ "s3://dest/schemas/hero.json": metadata, "s3://dest/schemas/entries.json": ENTRIES })
}

/// A push: everything good, until something is changed.
fn good() -> Value {
    json!({
        "config": config(),
        "schemas": schemas(HERO),
        "workflow": "beta", "name": "team/pkg", "message": "m",
        "manifest": manifest(r#", "user_meta": {"superhero": "Batman"}"#, &["README.md"]),
    })
}

#[expect(clippy::needless_pass_by_value, reason = "callers write the changes in place")]
fn with(changes: Value) -> Value {
    let mut case = good();
    for (field, value) in changes.as_object().unwrap().clone() {
        match value {
            Value::String(text) if text == "absent" => drop(case.as_object_mut().unwrap().remove(&field)),
            value => case[field] = value,
        }
    }
    case
}

/// Returns this program's verdict on a push: the workflow of the header, or the refusal.
fn ours(case: &Value) -> Result<Value, String> {
    let choice = match case.get("workflow") {
        None => Choice::Default,
        Some(Value::String(id)) => Choice::Named(id),
        Some(_) => Choice::None,
    };
    let manifest = Manifest::read(case["manifest"].as_str().unwrap().as_bytes()).map_err(|error| error.to_string())?;
    let Some(config) = case["config"].as_str() else {
        return without_config(choice)
            .map(|()| Value::Null)
            .map_err(|error| error.to_string());
    };
    let config = WorkflowConfig::parse(config.as_bytes()).map_err(|error| error.to_string())?;
    let chosen = config.choose(choice).map_err(|error| error.to_string())?;
    let effective = |url: &PhysicalKey| match url.clone() {
        PhysicalKey::S3 { bucket, key, .. } => PhysicalKey::S3 {
            bucket,
            key,
            version_id: Some("v1".into()),
        },
        file @ PhysicalKey::File { .. } => file,
    };
    let mut loaded = BTreeMap::new();
    for source in [&chosen.metadata_schema, &chosen.entries_schema].into_iter().flatten() {
        let text = case["schemas"][source.url.to_string()]
            .as_str()
            .ok_or("the schema is not there")?;
        let schema = LoadedSchema {
            bytes: text.as_bytes().to_vec(),
            source: effective(&source.url),
        };
        loaded.insert(source.id.clone(), schema);
    }
    let place = effective(&CONFIG.parse().unwrap());
    let validator = Validator::new(&chosen, &place, &loaded).map_err(|error| error.to_string())?;
    let candidate = Candidate {
        name: case["name"].as_str().unwrap(),
        message: case["message"].as_str(),
        user_meta: manifest.header.user_meta(),
        entries: manifest.entries(),
    };
    validator.validate(candidate).map_err(|error| error.to_string())?;
    Ok(Value::from(validator.header_value()))
}

/// Asks both, and fails where they differ.
fn compare(cases: &[Value]) -> anyhow::Result<Vec<Result<Value, String>>> {
    let encoded: Vec<Value> = cases
        .iter()
        .map(|case| {
            let mut case = case.clone();
            case["manifest"] = BASE64_STANDARD.encode(case["manifest"].as_str().unwrap()).into();
            case
        })
        .collect();
    let (mut answers, mut different) = (Vec::new(), Vec::new());
    for (case, theirs) in cases.iter().zip(ask_quilt3(&encoded)?) {
        let ours = ours(case);
        let alike = match (&ours, theirs.get("stored")) {
            (Ok(ours), Some(theirs)) => ours == theirs,
            (Err(_), None) => true,
            _ => false,
        };
        if !alike {
            let shown = case
                .as_object()
                .unwrap()
                .iter()
                .filter(|(field, value)| good().get(field) != Some(value));
            different.push(format!(
                "{:?}\n  here {ours:?}\n  quilt3 {theirs}",
                shown.collect::<Vec<_>>()
            ));
        }
        answers.push(ours);
    }
    assert!(
        different.is_empty(),
        "{} differ:\n{}",
        different.len(),
        different.join("\n")
    );
    Ok(answers)
}

/// Each of the fixtures' failures has its counterpart, which names the problem and its place.
#[test]
fn every_recorded_failure_has_its_counterpart() -> anyhow::Result<()> {
    let cases = [
        (
            "wf_no_message",
            json!({ "message": null, "workflow": "alpha" }),
            "'alpha' requires a commit message",
        ),
        (
            "wf_bad_meta",
            json!({ "manifest": manifest(r#", "user_meta": {"superhero": "Joker"}"#, &["README.md"]) }),
            "'beta' refuses the package's metadata (metadata_schema 'hero') at `/superhero`",
        ),
        (
            "wf_no_meta",
            json!({ "manifest": manifest("", &["README.md"]) }),
            "\"superhero\" is a required property",
        ),
        (
            "wf_bad_entries",
            json!({ "manifest": manifest(r#", "user_meta": {"superhero": "Batman"}"#, &["x.md"]) }),
            "'beta' refuses the package's entries (entries_schema 'entries')",
        ),
        (
            "wf_bad_name",
            json!({ "name": "other/pkg" }),
            "'beta' requires a package name that matches ^team/",
        ),
        ("wf_unknown", json!({ "workflow": "nope" }), "no 'nope' workflow"),
        (
            "wf_no_config_but_named",
            json!({ "config": null }),
            "'beta' workflow was chosen, but this bucket has no",
        ),
        (
            "wf_ref_schema",
            json!({ "schemas": schemas(r##"{"$ref": "#/definitions/x"}"##) }),
            "'hero' has a $ref",
        ),
        (
            "wf_2020_schema",
            json!({ "schemas": schemas(r#"{"$schema": "https://json-schema.org/draft/2020-12/schema"}"#) }),
            "for the meta-schema \"https://json-schema.org/draft/2020-12/schema\"",
        ),
        (
            "wf_config_version_1_2",
            json!({ "config": config().replace("base: \"1.1\"", "base: \"1.2\"") }),
            "version '1.2.0'",
        ),
        (
            "wf_required_none_given",
            json!({ "workflow": null, "config": config().replace("is_workflow_required: false", "is_workflow_required: yes") }),
            "a workflow is required",
        ),
        (
            "wf_unknown_top_level_key",
            json!({ "config": config() + "bogus: 1\n" }),
            "`bogus` is not known here",
        ),
    ];
    let index = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/quilt3/index.json");
    let index: Value = serde_json::from_slice(&fs::read(index)?)?;
    let mut recorded: Vec<&str> = index["behaviours"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .filter(|name| name.starts_with("wf_"))
        .collect();
    recorded.sort_unstable();
    let mut named: Vec<&str> = cases.iter().map(|(name, ..)| *name).collect();
    named.sort_unstable();
    assert_eq!(recorded, named);
    let changed: Vec<Value> = cases.iter().map(|(_, changes, _)| with(changes.clone())).collect();
    for ((name, _, part), answer) in cases.iter().zip(compare(&changed)?) {
        let error = answer.unwrap_err();
        assert!(error.contains(part), "{name}: {error}");
    }
    Ok(())
}

#[test]
fn choices_and_headers_are_those_of_quilt3() -> anyhow::Result<()> {
    let required = config().replace("is_workflow_required: false", "is_workflow_required: on");
    let no_default = config().replace("default_workflow: alpha", "");
    let cases = [
        json!({}),
        json!({ "workflow": "absent" }),
        json!({ "workflow": null }),
        json!({ "workflow": "" }),
        json!({ "workflow": "absent", "config": required }),
        json!({ "workflow": null, "config": required }),
        json!({ "workflow": "absent", "config": no_default }),
        json!({ "workflow": "absent", "config": no_default.replace("is_workflow_required: false", "") }),
        json!({ "workflow": "absent", "config": null }),
        json!({ "workflow": null, "config": null }),
        json!({ "workflow": "alpha", "message": "" }),
        json!({ "config": config().replace("hero.json", "nowhere.json") }),
        json!({ "config": config().replace("metadata_schema: hero", "metadata_schema: other") }),
        json!({ "config": config().replace("s3://dest/schemas/hero.json", "file:///hero.json") }),
        json!({ "config": config().replace("s3://dest/schemas/hero.json", "hero.json") }),
        json!({ "config": config().replace("entries_schema: entries", "entries_schema: hero") }),
    ];
    let cases: Vec<Value> = cases.into_iter().map(with).collect();
    let answers = compare(&cases)?;
    assert_eq!(
        answers[0].as_ref().unwrap()["schemas"]["hero"],
        "s3://dest/schemas/hero.json?versionId=v1"
    );
    assert_eq!(
        answers.iter().filter(|answer| answer.is_ok()).count(),
        6,
        "{answers:#?}"
    );
    Ok(())
}

/// Words that YAML 1.1 may take for something else than texts.
const WORDS: &[&str] = &[
    "yes",
    "12",
    "1_000",
    "0x1F",
    "0o17",
    "017",
    "1:30",
    "1.5",
    "1e3",
    "1.5e+3",
    ".5",
    ".inf",
    ".nan",
    "-.INF",
    "null",
    "~",
    "''",
    "'12'",
    "\"\"",
    "2021-01-01",
    "2021-1-1",
    "2021-01-01 10:00:00",
    "10:00",
    "abc",
    "1a",
    "-",
    "=",
    "<<",
    "!!str 12",
    "!own x",
    "|\n    text",
    "[a]",
    "{a: b}",
    "&x abc",
    "*x",
    "+1",
    "-1",
    "0",
    "08",
    "0b11",
    "1__0",
    "_1",
    "1_",
    "é",
    "Null",
    "NULL",
    "nUll",
];

/// Further lines of a configuration.
const FIELDS: &[&str] = &[
    "schemas: {}",
    "schemas: {a: {}}",
    "schemas: {a: {url: 1}}",
    "schemas: {a: {url: 'x', more: 1}}",
    "schemas: []",
    "schemas:",
    "successors: {}",
    "successors: {'s3://b': {}}",
    "successors: {'s3://b': {title: ''}}",
    "successors: {'s3://b': {title: T}}",
    "successors: {'s3://b': {title: T, copy_data: no}}",
    "successors: {'s3://b': {title: T, copy_data: 0, x: 1}}",
    "bogus: 1",
    "version: '1.1'",
    "workflows: {}",
    "workflows: {w: {}}",
    "workflows: {w: {name: W, objects_schema: x}}",
    "true: 1",
    "x: &a [1]\ny: *a",
    "catalog: &a {b: c}\n<<: *a",
    "catalog: &a {default_workflow: w}\n<<: *a",
    "catalog: &a {is_workflow_required: no}\n<<: [*a, *a]",
    "<<: 1",
    "<<: [1]",
    "default_workflow: w",
    "catalog: {1: 2, [a]: b}",
    "catalog: {? [a] : b}",
    "catalog: \"\\x41\\u00e9\"",
    "catalog: %",
    "catalog: @x",
    "\tcatalog: 1",
];

#[test]
fn configurations_are_read_as_quilt3_reads_them() -> anyhow::Result<()> {
    let base = "version: '1'\nworkflows:\n  w: {name: W}\n";
    let mut configs: Vec<String> = vec![
        base.into(),
        String::new(),
        "[]".into(),
        "- a: [".into(),
        format!("{base}---\n{base}"),
    ];
    for version in [
        "1",
        "'1'",
        "1.0",
        "'1.0'",
        "'1.1.0'",
        "'1.1.1'",
        "'2'",
        "'01'",
        "'1.01'",
        "'1.'",
        "'1.1.1.1'",
        "{base: '1'}",
        "{}",
        "''",
        "{base: '1', catalog: '2.3'}",
        "{base: '1', other: '1'}",
        "{catalog: '1'}",
        "null",
        "!!str 1",
        "['1']",
        "'0.1'",
        "2021-01-01",
    ] {
        configs.push(base.replace("'1'", version));
    }
    for value in [
        "yes",
        "no",
        "On",
        "OFF",
        "true",
        "'yes'",
        "y",
        "1",
        "null",
        "~",
        "",
        "!!bool yes",
        "tRue",
    ] {
        configs.push(format!("{base}is_workflow_required: {value}\n"));
        configs.push(base.replace("{name: W}", &format!("{{name: W, is_message_required: {value}}}")));
    }
    for name in WORDS {
        configs.push(base.replace("{name: W}", &format!("\n    name: {name}")));
        configs.push(base.replace("{name: W}", &format!("\n    name: W\n    description: {name}")));
        configs.push(format!("{base}default_workflow: {name}\n"));
        configs.push(format!("{base}catalog: {name}\n"));
    }
    for id in [
        "w-1",
        "_",
        "-a",
        "1a",
        "'a b'",
        "é",
        "a.b",
        &"w".repeat(64),
        &"w".repeat(65),
        "''",
        "\"w\\n\"",
    ] {
        configs.push(base.replace("  w:", &format!("  {id}:")));
    }
    for rest in FIELDS {
        configs.push(format!("{base}{rest}\n"));
    }
    let cases: Vec<Value> = configs
        .into_iter()
        .map(|config| with(json!({ "config": config, "workflow": "w", "manifest": manifest("", &[]) })))
        .collect();
    let answers = compare(&cases)?;
    let taken = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!(taken > 50 && answers.len() - taken > 50, "{taken} of {}", answers.len());
    Ok(())
}

/// Patterns in the syntax of Python's `re`, valid and invalid, and some that other engines read differently.
const PATTERNS: &[&str] = &[
    "^team/",
    "team",
    "pkg$",
    "^team/pkg\\Z",
    "team/pkg\\z",
    "\\w+/\\w+",
    "^[\\w-]+/[\\w-]+$",
    "^\\w$",
    "[[]",
    "[]a]",
    "[^]a]",
    "a{,3}$",
    "{",
    "x{",
    "x{1",
    "x{a}",
    "a{2,1}",
    "(?P<a>t)eam",
    "(?<a>t)eam",
    "(t)eam/\\1",
    "(?=team)",
    "(?!team)",
    "(?<=team)/",
    "(?<!team)/",
    "(?i)TEAM",
    "(?i:TEAM)/",
    "team/(?i)PKG",
    "(?x) team / pkg # c",
    "a++",
    "(?>team)",
    "\\d",
    "\\D",
    "\\s",
    "\\S",
    "\\b\\w+\\b",
    "\\Bea\\B",
    "[\\d-x]",
    "[\\w-]",
    "[a-\\d]",
    "[z-a]",
    "\\_",
    "\\q",
    "\\/",
    "\\x74eam",
    "\\u0074eam",
    "\\164eam",
    "\\0",
    "\\9",
    "(",
    ")",
    "*",
    "[",
    "\\",
    "a|",
    "",
    "^$",
    "te.m",
    "te\\.m",
    "[&&a]",
    "[a&&b]",
    "[a--b]",
    "[t-]eam",
    "[-t]eam",
    "(?#c)team",
    "(?:team|b)/(?:pkg)",
    "(t)?(?(1)eam|x)",
    "^é/",
    "^.+/.+$",
    "(?m)^pkg$",
    "(?s)team.pkg",
    "[\\s\\S]+",
    "[^\\W\\d]+",
    "(?u)team",
    "(?P=a)",
    "(?P<a>t)(?P=a)?eam",
    "[\\b]",
    "[\\]]",
    "#",
    "~",
    "-",
    "\\-",
];

/// Names that the patterns are tried on.
const NAMES: &[&str] = &[
    "team/pkg",
    "team/pkg\n",
    "é/日本",
    "a_1/b-2",
    "t{1/x{a}",
    "e\u{301}/x",
    "٣/x²",
    "a]/[b",
    "team/\npkg",
];

#[test]
fn patterns_match_as_python_s_do() -> anyhow::Result<()> {
    let config = "version: '1'\nworkflows:\n  w: {name: W, handle_pattern: PATTERN}\n";
    let mut cases = Vec::new();
    for pattern in PATTERNS {
        for name in NAMES {
            let quoted = pattern.replace('\'', "''");
            let config = config.replace("PATTERN", &format!("'{quoted}'"));
            cases.push(with(
                json!({ "config": config, "workflow": "w", "name": name, "manifest": manifest("", &[]) }),
            ));
        }
    }
    let taken = compare(&cases)?.iter().filter(|answer| answer.is_ok()).count();
    assert!(taken > 200, "{taken}");
    Ok(())
}

#[test]
fn schemas_mean_what_they_mean_to_quilt3() -> anyhow::Result<()> {
    let schemas = [
        "true",
        "false",
        "[]",
        "1",
        "{",
        "\"x\"",
        "{}",
        r#"{"type": "integer"}"#,
        r#"{"type": "number"}"#,
        r#"{"type": ["string", "null"]}"#,
        r#"{"type": "strin"}"#,
        r#"{"type": "object", "additionalProperties": false}"#,
        r#"{"multipleOf": 0.1}"#,
        r#"{"multipleOf": 2}"#,
        r#"{"enum": [1, true, "a"]}"#,
        r#"{"const": 1}"#,
        r#"{"const": {"$ref": "x"}}"#,
        r#"{"properties": {"$ref": {"type": "string"}}}"#,
        r#"{"format": "date"}"#,
        r#"{"format": "email", "type": "string"}"#,
        r#"{"pattern": "^\\w+$"}"#,
        r#"{"pattern": "^a$"}"#,
        r#"{"pattern": "\\d"}"#,
        r#"{"pattern": "("}"#,
        r#"{"pattern": "(?<=a)b"}"#,
        r#"{"patternProperties": {"^a$": {"type": "string"}}, "additionalProperties": false}"#,
        r#"{"patternProperties": {"^\\w$": {"type": "string"}}}"#,
        r#"{"properties": {"pattern": {"pattern": "x"}}, "enum": [{"pattern": "("}]}"#,
        r#"{"minLength": 2}"#,
        r#"{"maxLength": 1}"#,
        r#"{"uniqueItems": true}"#,
        r#"{"contentEncoding": "base64", "contentMediaType": "application/json"}"#,
        r#"{"minimum": 2}"#,
        r#"{"exclusiveMaximum": 2}"#,
        r#"{"exclusiveMaximum": true}"#,
        r#"{"if": {"type": "string"}, "then": {"minLength": 3}, "else": false}"#,
        r#"{"dependencies": {"a": ["b"]}}"#,
        r#"{"propertyNames": {"pattern": "^[a-z]$"}}"#,
        r#"{"items": [{"type": "integer"}], "additionalItems": false}"#,
        r#"{"contains": {"type": "integer"}}"#,
        r#"{"required": ["a"]}"#,
        r#"{"$id": "not a uri", "type": "object"}"#,
        r#"{"$schema": 7}"#,
        r#"{"$schema": "http://json-schema.org/draft-07/schema"}"#,
        r#"{"unevaluatedProperties": false, "prefixItems": [false]}"#,
        r#"{"minContains": 5, "contains": true}"#,
        r#"{"not": {}}"#,
        r#"{"oneOf": [{"type": "integer"}, {"minimum": 2}]}"#,
        r#"{"default": 5, "dateformat": "x", "type": "object"}"#,
        "\u{feff}{}",
        "{\"type\": NaN}",
        r#"{"maximum": 1e400}"#,
        r#"{"type": "object", "type": "string"}"#,
        r#"{"definitions": {"x": {"type": "nope"}}}"#,
        r#"{"definitions": {"x": {"pattern": "("}}}"#,
    ];
    let metas = [
        "",
        r#", "user_meta": null"#,
        r#", "user_meta": {}"#,
        r#", "user_meta": {"a": 1}"#,
        r#", "user_meta": {"a": "x", "b": 2}"#,
        r#", "user_meta": 1"#,
        r#", "user_meta": 1.0"#,
        r#", "user_meta": true"#,
        r#", "user_meta": 0.3"#,
        r#", "user_meta": "a""#,
        r#", "user_meta": "a\n""#,
        r#", "user_meta": "é²""#,
        r#", "user_meta": "ab""#,
        r#", "user_meta": "٣""#,
        r#", "user_meta": [1, 1.0]"#,
        r#", "user_meta": [1, true]"#,
        r#", "user_meta": 123456789012345678901234567890"#,
        r#", "user_meta": {"a\n": 1}"#,
        r#", "user_meta": {"pattern": "y"}"#,
        r#", "user_meta": {"$ref": 1}"#,
        r#", "user_meta": "😀""#,
    ];
    let mut cases = Vec::new();
    for schema in schemas {
        for meta in metas {
            let schemas = json!({ "s3://dest/schemas/hero.json": schema, "s3://dest/schemas/entries.json": "{}" });
            cases.push(with(
                json!({ "schemas": schemas, "manifest": manifest(meta, &["README.md"]) }),
            ));
        }
    }
    let taken = compare(&cases)?.iter().filter(|answer| answer.is_ok()).count();
    assert!(taken > 400, "{taken}");
    Ok(())
}
