//! The deployment template and the Terraform module over it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use clap::Args as _;
use fancy_regex::Regex;
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
        ("QUILT_MCP_CATALOG_CREDENTIALS".to_owned(), json!("true")),
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
    let task = task_definition();
    let image = task["containerDefinitions"][0]["image"].as_str().unwrap();
    script.args([&moto.endpoint, TEMPLATE, image]);
    let printed = tokio::task::spawn_blocking(move || tools::run(&mut script))
        .await
        .unwrap()
        .unwrap();
    let states: Value = serde_json::from_str(&printed).unwrap();
    let [created, updated, second] = ["created", "updated", "second"].map(|name| &states[name]);
    for (state, status) in [
        (created, "CREATE_COMPLETE"),
        (updated, "UPDATE_COMPLETE"),
        (second, "CREATE_COMPLETE"),
    ] {
        assert_eq!(state["status"], status);
    }
    is_the_container_of_the_task_definition(&created["container"]);
    let outputs: BTreeSet<&String> = created["outputs"].as_object().unwrap().keys().collect();
    assert!(outputs.iter().any(|name| *name == "EndpointUrl"));
    assert_eq!(created["outputs"]["EndpointUrl"], "https://mcp.example.com/mcp");
    let conditions = |state: &Value| {
        let conditions = state["conditions"].as_array().unwrap();
        let values = conditions.iter().flat_map(|condition| {
            let values = condition["HostHeaderConfig"]["Values"].as_array();
            values
                .or_else(|| condition["PathPatternConfig"]["Values"].as_array())
                .unwrap()
        });
        values
            .filter_map(|value| value.as_str().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    let paths = ["/mcp*", "/.well-known/oauth-protected-resource*", "/register", "/"];
    let own = [&["mcp.example.com"][..], &paths].concat();
    assert_eq!(conditions(created), own, "a rule has five values at most");
    // The catalog keeps its own pages.
    assert_eq!(conditions(second), [&["catalog.example.com"][..], &paths[..2]].concat());

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
    assert_eq!(environment["QUILT_MCP_PAYLOAD_MEMORY"], "768MiB");
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

/// Each metric of the operations page has an alarm, and each alarm is on the page.
#[test]
fn the_alarms_are_those_of_the_operations_page() {
    let (template, _) = parsed();
    let resources = template["Resources"].as_object().unwrap();
    let of_type = |kind: &'static str| resources.values().filter(move |resource| resource["Type"] == *kind);
    let mut metrics = BTreeSet::new();
    for alarm in of_type("AWS::CloudWatch::Alarm") {
        let properties = &alarm["Properties"];
        let single = properties["MetricName"].as_str();
        let several = properties["Metrics"].as_array().into_iter().flatten();
        let several = several.filter_map(|metric| metric["MetricStat"]["Metric"]["MetricName"].as_str());
        let named: Vec<&str> = single.into_iter().chain(several).collect();
        assert!(!named.is_empty(), "{properties}");
        metrics.extend(named.into_iter().map(str::to_owned));
        assert!(
            properties["AlarmActions"].to_string().contains("AlarmTopicArn"),
            "{properties}"
        );
    }
    // The number by which another is divided.
    assert!(metrics.remove("RequestCount"));
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md")).unwrap();
    let (_, section) = page.split_once("\n## Alarms\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let watched = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let watched = watched.filter_map(|line| line.split(" | ").next());
    let name = Regex::new(r"\w+").unwrap();
    let on_page: BTreeSet<String> = watched
        .flat_map(|cell| cell.split(", ").map(str::to_owned).collect::<Vec<_>>())
        .map(|part| name.find(&part).unwrap().unwrap().as_str().to_owned())
        .collect();
    assert_eq!(metrics, on_page);
    assert_eq!(metrics.len(), 7);

    // The log lines that are counted are those that the server writes.
    let source = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/server/request_id.rs")).unwrap();
    assert!(source.contains("tracing::info!(method, path, status, duration_ms, \"request answered\")"));
    let filters: Vec<&Value> = of_type("AWS::Logs::MetricFilter")
        .map(|filter| &filter["Properties"])
        .collect();
    for filter in &filters {
        let pattern = filter["FilterPattern"].as_str().unwrap();
        assert!(
            pattern.starts_with("{ $.message = \"request answered\" && "),
            "{pattern}"
        );
        let name = filter["MetricTransformations"][0]["MetricName"].as_str().unwrap();
        assert!(metrics.contains(name), "{name}");
    }
    assert_eq!(filters.len(), 2);
    // Updates leave the number of copies to the scaling.
    assert!(resources["Service"]["Properties"].get("DesiredCount").is_none());
    assert_eq!(
        resources["ScalableTarget"]["Properties"]["MinCapacity"],
        json!({ "Ref": "MinCopies" })
    );
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
