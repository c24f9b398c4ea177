use super::*;
use crate::error_code::ErrorCode;

fn actions() -> impl Iterator<Item = (&'static Module, &'static Action)> {
    MODULES
        .iter()
        .flat_map(|module| module.actions.iter().map(move |action| (module, action)))
}

#[test]
fn every_action_is_a_tool_of_its_own_toolset() {
    let toolbox = Toolbox::new();
    for (module, action) in actions() {
        let tool = toolbox
            .tool(action.tool)
            .unwrap_or_else(|| panic!("{}.{}: {}", module.name, action.name, action.tool));
        assert_eq!(tool.toolset, module.toolset, "{}.{}", module.name, action.name);
    }
}

#[test]
fn names_are_unique() {
    let toolbox = Toolbox::new();
    let mut names: Vec<&str> = MODULES.iter().map(|module| module.name).collect();
    names.extend(LEGACY_NAMES.iter().map(|legacy| legacy.name));
    names.extend(toolbox.typed().iter().map(|tool| tool.name));
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn only_a_plain_question_needs_no_token() {
    assert!(is_help_request("buckets", None));
    for open in [
        "null",
        "{}",
        r#"{"action":null}"#,
        r#"{"params":{"action":"discover"}}"#,
        r#"{"action":""}"#,
        r#"{"action":" "}"#,
    ] {
        assert!(is_help_request("buckets", Some(open.as_bytes())), "{open}");
    }
    for closed in [
        r#"{"action":"discover"}"#,
        r#"{"action":"","action":"discover"}"#,
        r#"{"action":false}"#,
        r#"{"action":null,"action":"discover"}"#,
        r#"{"action":"discover","action":null}"#,
        "{\"action\":null,\"\\u0061ction\":\"discover\"}",
        "[]",
        "\"x\"",
    ] {
        assert!(!is_help_request("buckets", Some(closed.as_bytes())), "{closed}");
    }
    assert!(!is_help_request("bucket_list", None));
}

fn translated(action: &str, mut arguments: Value) -> Result<Map<String, Value>, ToolError> {
    let action = MODULES
        .iter()
        .find_map(|module| module.actions.iter().find(|own| own.name == action))
        .unwrap();
    let mut arguments = std::mem::take(arguments.as_object_mut().unwrap());
    let toolbox = Toolbox::new();
    crate::tools::arguments::rename(&toolbox.tool(action.tool).unwrap().arguments, &mut arguments)?;
    Ok(arguments)
}

#[test]
fn arguments_get_their_typed_names() {
    for (sent, typed) in [
        (
            json!({ "registry": "s3://abc", "objects": [] }),
            json!({ "bucket": "s3://abc", "items": [] }),
        ),
        (
            json!({ "bucket_name": "abc", "items": [] }),
            json!({ "bucket": "abc", "items": [] }),
        ),
        (
            json!({ "bucket": "abc", "registry": "s3://abc/" }),
            json!({ "bucket": "abc" }),
        ),
    ] {
        assert_eq!(
            Value::from(translated("objects_put", sent.clone()).unwrap()),
            typed,
            "{sent}"
        );
    }
    let sent = json!({ "package_name": "a/b", "s3_uris": ["s3://abc/x"], "meta": "{}", "description": "first" });
    let typed = json!({ "name": "a/b", "files": ["s3://abc/x"], "metadata": "{}", "message": "first" });
    assert_eq!(Value::from(translated("create", sent).unwrap()), typed);
    let sent = json!({ "bucket": "abc", "registry": "s3://other" });
    assert_eq!(
        translated("objects_put", sent).unwrap_err().code,
        ErrorCode::InvalidArgument
    );
}
