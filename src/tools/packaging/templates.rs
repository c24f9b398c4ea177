//! `package_templates`: fields of metadata that packages of a kind usually have.

use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct PackageTemplates;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// standard, dataset or model; by default all of them
    template_name: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// `{name: {description, fields: {field: {description, required, default?}}}}`
    #[schemars(with = "Map<String, Value>")]
    templates: &'static Map<String, Value>,
}

impl Tool for PackageTemplates {
    const NAME: &'static str = "package_templates";
    const TITLE: &'static str = "Metadata templates";
    const DESCRIPTION: &'static str = "Shows metadata fields that packages of a kind usually have. workflow_list \
                                       shows what a bucket demands.";
    const TOOLSET: Toolset = Toolset::Packaging;
    const HINTS: Hints = Hints {
        open_world: false,
        ..Hints::READS
    };
    type Args = Args;
    type Output = Output;

    async fn run(_: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let Some(name) = args.template_name.filter(|name| !name.is_empty()) else {
            return Ok(Output { templates: &ALL }.into());
        };
        let Some(template) = EACH.iter().find(|template| template.contains_key(&name)) else {
            let shown: String = name.chars().take(80).collect();
            return Err(ToolError::invalid(format!(
                "There is no template `{shown}`; there are standard, dataset and model."
            )));
        };
        Ok(Output { templates: template }.into())
    }
}

static ALL: LazyLock<Map<String, Value>> = LazyLock::new(all);
/// The templates again, each in a map of its own.
static EACH: LazyLock<Vec<Map<String, Value>>> =
    LazyLock::new(|| all().into_iter().map(|template| Map::from_iter([template])).collect());

fn all() -> Map<String, Value> {
    let standard = [
        ("title", "What it is called", true),
        ("description", "What it is", true),
        ("version", "Version of the content", false),
        ("author", "Who made it", false),
        ("license", "Under which terms it may be used", false),
        ("tags", "List of words to find it by", false),
    ];
    let dataset = [
        ("source", "Where the data come from", false),
        ("collection_date", "When they were collected", false),
        ("format", "Format of the files", false),
        ("size", "How much there is", false),
    ];
    let model = [
        ("algorithm", "What kind of model it is", false),
        ("framework", "What it was made with", false),
        ("performance", "How good it is, by which measure", false),
        ("training_data", "What it was trained on", false),
    ];
    let template = |description: &str, groups: &[&[(&str, &str, bool)]]| {
        let fields = groups.iter().copied().flatten().map(|(name, about, required)| {
            let mut field = json!({ "description": about, "required": required });
            if let (Some(field), "version") = (field.as_object_mut(), *name) {
                field.insert("default".into(), "1.0.0".into());
            }
            ((*name).to_owned(), field)
        });
        json!({ "description": description, "fields": fields.collect::<Map<_, _>>() })
    };
    Map::from_iter([
        ("standard".to_owned(), template("Any package", &[&standard])),
        (
            "dataset".to_owned(),
            template("Data that were collected", &[&standard, &dataset]),
        ),
        ("model".to_owned(), template("A trained model", &[&standard, &model])),
    ])
}
