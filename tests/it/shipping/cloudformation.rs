//! The deployment template and the Terraform module over it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use clap::Args as _;
use quilt_mcp::config::ServeConfig;
use serde_json::{Value, json};

use crate::support::moto::Moto;
use crate::support::tools;

const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/cloudformation.yaml");
const MODULE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/terraform");

/// Returns the template, and the Terraform module as its parser reads it.
fn parsed() -> (Value, Value) {
    let mut script = tools::lint_script("deployment.py").unwrap();
    let printed = tools::run(script.args([TEMPLATE, MODULE])).unwrap();
    let both: Value = serde_json::from_str(&printed).unwrap();
    (both["template"].clone(), both["module"].clone())
}

fn task_definition() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/task-definition.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The variables of the server's settings, and whether each is a secret.
fn settings() -> BTreeMap<String, bool> {
    let command = ServeConfig::augment_args(clap::Command::new("serve"));
    let variable = |arg: &clap::Arg| Some((arg.get_env()?.to_str()?.to_owned(), arg.is_hide_env_values_set()));
    command.get_arguments().filter_map(variable).collect()
}

/// Returns `QuiltCatalogUrl` as words: `quilt`, `catalog`, `url`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for letter in name.chars() {
        match words.last_mut() {
            Some(word) if !letter.is_ascii_uppercase() => word.push(letter),
            _ => words.push(letter.to_ascii_lowercase().to_string()),
        }
    }
    words
}

/// Returns the variables of a list of names and values, but those that are empty.
fn variables(list: &Value, value: &str) -> BTreeMap<String, Value> {
    let list = list.as_array().unwrap().iter().filter(|it| !it.is_null());
    list.filter(|it| it[value] != "")
        .map(|it| (it["name"].as_str().unwrap().to_owned(), it[value].clone()))
        .collect()
}

#[test]
fn the_template_passes_its_linter() {
    let mut lint = tools::linter("cfn-lint").unwrap();
    tools::run(lint.args([
        "--non-zero-exit-code",
        "informational",
        "--include-checks",
        "I",
        "--template",
        TEMPLATE,
    ]))
    .unwrap();
}

#[test]
fn parameters_have_the_names_of_settings_and_each_reaches_the_container() {
    let (template, _) = parsed();
    let settings = settings();
    let container = &template["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"][0];
    let environment: BTreeMap<&str, String> = container["Environment"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["Name"].as_str().unwrap(), it["Value"].to_string()))
        .collect();
    for name in environment.keys() {
        assert!(settings.get(*name).is_some_and(|is_secret| !is_secret), "{name}");
    }
    let mut count = 0;
    for parameter in template["Parameters"].as_object().unwrap().keys() {
        let words = words(parameter);
        if !["quilt", "mcp"].contains(&words[0].as_str()) {
            continue;
        }
        let variable = words.join("_").to_uppercase();
        if let Some(secret) = variable
            .strip_suffix("_ARN")
            .filter(|it| settings.get(*it) == Some(&true))
        {
            assert!(container["Secrets"].to_string().contains(secret), "{parameter}");
        } else {
            let value = environment.get(variable.as_str());
            assert!(
                value.is_some_and(|value| value.contains(&format!("\"{parameter}\""))),
                "{parameter}: {value:?}"
            );
        }
        count += 1;
    }
    assert!(count > 12, "{count}");
}

#[test]
fn no_secret_is_a_parameter_or_an_output() {
    let (template, _) = parsed();
    let secrets = settings().into_iter().filter(|(_, is_secret)| *is_secret);
    let secrets: Vec<String> = secrets.map(|(name, _)| name).collect();
    for parameter in template["Parameters"].as_object().unwrap().keys() {
        let variable = words(parameter).join("_").to_uppercase();
        assert!(!secrets.contains(&variable), "{parameter}");
    }
    let outputs = template["Outputs"].to_string();
    assert!(
        !outputs.contains("StateKey") && !outputs.contains("Secret"),
        "{outputs}"
    );
    let environment = &template["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"][0]["Environment"];
    assert!(!environment.to_string().contains("resolve:"), "{environment}");
}

/// The container of a created stack is that of `task-definition.json`; settings that are empty are not set.
fn is_the_container_of_the_task_definition(created: &Value) {
    let wanted = &task_definition()["containerDefinitions"][0];
    let defaults = BTreeMap::from([
        ("QUILT_MCP_READ_ONLY".to_owned(), json!("false")),
        ("QUILT_MCP_TOOLSETS".to_owned(), json!("default")),
    ]);
    let mut environment = variables(&created["environment"], "value");
    for (name, value) in defaults {
        assert_eq!(environment.remove(&name), Some(value), "{name}");
    }
    assert_eq!(environment, variables(&wanted["environment"], "value"));
    let names = |container: &Value| {
        let secrets = container["secrets"].as_array().unwrap().iter();
        // moto keeps the places of those that are left out.
        secrets
            .filter_map(|it| it["name"].as_str().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    assert_eq!(names(created), names(wanted));
    assert_eq!(created["secrets"][0], wanted["secrets"][0]);
    let mut logs = created["logConfiguration"].clone();
    assert_eq!(logs["options"]["awslogs-group"], "/ecs/quilt-mcp");
    logs["options"]["awslogs-group"] = wanted["logConfiguration"]["options"]["awslogs-group"].clone();
    assert_eq!(logs, wanted["logConfiguration"]);
    let rest = wanted.as_object().unwrap().iter();
    for (name, value) in
        rest.filter(|(name, _)| !["environment", "secrets", "logConfiguration"].contains(&name.as_str()))
    {
        assert_eq!(&created[name], value, "{name}");
    }
}

/// moto makes what it knows; the rest of the template is what its linter has checked.
#[tokio::test]
async fn the_stack_is_created_updated_and_deleted() {
    let moto = Moto::start().await.unwrap();
    let mut script = tools::moto_script("cloudformation.py").unwrap();
    script.args([&moto.endpoint, TEMPLATE]);
    let printed = tokio::task::spawn_blocking(move || tools::run(&mut script))
        .await
        .unwrap()
        .unwrap();
    let states: Value = serde_json::from_str(&printed).unwrap();
    let [created, updated, second] = ["created", "updated", "second"].map(|name| &states[name]);
    let outcome = |state: &Value| (state["status"].clone(), state["desired"].clone());
    assert_eq!(outcome(created), (json!("CREATE_COMPLETE"), json!(2)));
    assert_eq!(outcome(updated), (json!("UPDATE_COMPLETE"), json!(3)));
    assert_eq!(outcome(second), (json!("CREATE_COMPLETE"), json!(2)));
    is_the_container_of_the_task_definition(&created["container"]);
    let outputs: BTreeSet<&String> = created["outputs"].as_object().unwrap().keys().collect();
    assert!(outputs.iter().any(|name| *name == "EndpointUrl"));
    assert_eq!(created["outputs"]["EndpointUrl"], "https://mcp.example.com/mcp");
    assert!(created["conditions"].to_string().contains("\"mcp.example.com\""));

    // The task role can do nothing, or assume the roles that are named, and nothing else.
    assert_eq!(created["policies"]["TaskRole"], json!([]));
    let statements = &second["policies"]["TaskRole"][0]["Statement"];
    assert_eq!(statements.as_array().unwrap().len(), 1);
    let actions = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"];
    assert_eq!(statements[0]["Action"], json!(actions));
    let roles = ["quilt", "lab"].map(|name| format!("arn:aws:iam::123456789012:role/{name}/*"));
    assert_eq!(statements[0]["Resource"], json!(roles));
    assert!(!states["second"]["policies"].to_string().contains("s3:"));
    let environment = variables(&second["container"]["environment"], "value");
    assert_eq!(environment["QUILT_MCP_ASSUMABLE_ROLES"], roles.join(","));
    assert_eq!(
        variables(&second["container"]["secrets"], "name").len(),
        1,
        "no secret in registry mode"
    );
    let resources = second["resources"].to_string();
    assert!(
        !resources.contains("LoadBalancer\"") && !resources.contains("Cluster"),
        "{resources}"
    );

    let after = json!({ "load_balancers": [], "roles": [], "stacks": ["DELETE_COMPLETE", "DELETE_COMPLETE"] });
    assert_eq!(states["after"], after);
}

#[test]
fn the_module_has_the_parameters_of_the_template() {
    let (template, module) = parsed();
    let parameters = template["Parameters"].as_object().unwrap();
    let wanted: BTreeSet<String> = parameters.keys().map(|name| words(name).join("_")).collect();
    let variables = module["variables"].as_object().unwrap();
    let mut found: BTreeSet<String> = variables.keys().cloned().collect();
    assert!(found.remove("stack_name"));
    assert_eq!(found, wanted);
    let passed = module["parameters"].as_object().unwrap();
    assert_eq!(passed.keys().collect::<Vec<_>>(), parameters.keys().collect::<Vec<_>>());
    for (name, parameter) in parameters {
        let variable = words(name).join("_");
        let expression = passed[name].as_str().unwrap();
        assert!(expression.contains(&format!("var.{variable}")), "{name}: {expression}");
        let own = &variables[&variable];
        assert_eq!(own["description"], parameter["Description"], "{name}");
        let is_required = parameter.get("Default").is_none();
        assert_eq!(own.get("default").is_none(), is_required, "{name}");
        if let (Some(default), false) = (parameter.get("Default"), own["default"].is_array()) {
            assert_eq!(&own["default"], default, "{name}");
        }
    }
    let template = module["template"].as_str().unwrap().replace("${path.module}", MODULE);
    assert!(Path::new(&template).exists(), "{template}");
}
