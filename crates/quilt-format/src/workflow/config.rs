//! The workflow configuration of a bucket, with the rules of quilt3's `workflows/config-1.schema.json`.

use std::collections::BTreeMap;

use super::document::{ConfigError, Node};
use super::yaml;

/// The newest supported version.
const MAX_VERSION: [u64; 3] = [1, 1, 0];

/// The workflow configuration of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowConfig {
    /// Whether every package must have a workflow.
    pub is_workflow_required: bool,
    /// The ID of the workflow that applies when a push names none.
    pub default_workflow: Option<String>,
    /// The workflows by ID, in the order of the configuration.
    pub workflows: Vec<(String, Workflow)>,
    /// The URLs of schemas by ID.
    pub schemas: BTreeMap<String, String>,
    /// The buckets to which packages may be promoted, by URL.
    pub successors: Vec<(String, Successor)>,
}

/// The requirements of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    /// The name for display.
    pub name: String,
    /// The description for display.
    pub description: Option<String>,
    /// A Python regular expression that must match somewhere in the package's name.
    pub handle_pattern: Option<String>,
    /// The ID of the schema of the package's metadata.
    pub metadata_schema: Option<String>,
    /// The ID of the schema of the array of entries.
    pub entries_schema: Option<String>,
    /// Whether a revision must have a message.
    pub is_message_required: bool,
}

/// A bucket to which packages may be promoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Successor {
    /// The title for display.
    pub title: String,
    /// Whether objects are copied along with the package.
    pub copy_data: bool,
}

impl WorkflowConfig {
    /// Parses `.quilt/workflows/config.yml`.
    pub fn parse(bytes: &[u8]) -> Result<Self, ConfigError> {
        let text = std::str::from_utf8(bytes).map_err(|_| ConfigError::NotYaml("it is not UTF-8".to_owned()))?;
        let document = yaml::parse(text).map_err(ConfigError::NotYaml)?;
        let root = Node::root(&document);
        root.only(&[
            "version",
            "workflows",
            "is_workflow_required",
            "default_workflow",
            "schemas",
            "successors",
            "catalog",
        ])?;
        let version = version(&root.required("version")?)?;
        let config = Self {
            is_workflow_required: boolean(&root, "is_workflow_required")?.unwrap_or(true),
            default_workflow: string(&root, "default_workflow")?,
            workflows: root
                .required("workflows")?
                .members()?
                .iter()
                .map(workflow)
                .collect::<Result<_, _>>()?,
            schemas: members(&root, "schemas", |schema| schema.required("url")?.string())?
                .into_iter()
                .collect(),
            successors: members(&root, "successors", |successor| {
                let title = successor.required("title")?.text()?;
                Ok(Successor {
                    title,
                    copy_data: boolean(successor, "copy_data")?.unwrap_or(true),
                })
            })?,
        };
        // Like quilt3, checks last whether the version is supported.
        let supported = version
            .split('.')
            .map(|part| part.parse().unwrap_or(u64::MAX))
            .chain([0, 0])
            .take(3);
        if supported.clone().gt(MAX_VERSION) {
            let excerpt: Vec<String> = supported.map(|part| part.to_string()).collect();
            return Err(ConfigError::UnsupportedVersion(excerpt.join(".")));
        }
        Ok(config)
    }

    /// Returns the workflow with an ID.
    #[must_use]
    pub fn workflow(&self, id: &str) -> Option<&Workflow> {
        self.workflows
            .iter()
            .find(|(known, _)| known == id)
            .map(|(_, workflow)| workflow)
    }
}

/// Returns the version: `"1"`, `"1.1"`, or the base of `{base: "1.1", catalog: "1"}`.
fn version(node: &Node<'_>) -> Result<String, ConfigError> {
    let number = |node: &Node<'_>| {
        let text = node.string()?;
        // Python's `$` accepts one trailing newline.
        let text = text.strip_suffix('\n').unwrap_or(&text).to_owned();
        let mut parts = text.split('.');
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let major = parts.next().is_some_and(|part| digits(part) && !part.starts_with('0'));
        let minor =
            parts.clone().count() <= 2 && parts.all(|part| digits(part) && (part == "0" || !part.starts_with('0')));
        if major && minor {
            Ok(text)
        } else {
            Err(node.wrong("expected a version such as \"1.1\""))
        }
    };
    if node.is_string() {
        return number(node);
    }
    node.only(&["base", "catalog"])?;
    if let Some(catalog) = node.field("catalog")? {
        number(&catalog)?;
    }
    number(&node.required("base")?)
}

fn workflow((id, node): &(String, Node<'_>)) -> Result<(String, Workflow), ConfigError> {
    let name = id.strip_suffix('\n').unwrap_or(id);
    let good = |(at, b): (usize, u8)| b.is_ascii_alphabetic() || b"_-".contains(&b) || (at > 0 && b.is_ascii_digit());
    if name.is_empty() || !name.bytes().enumerate().all(good) || id.chars().count() > 64 {
        return Err(node.wrong(
            "a workflow's ID must have 1 to 64 of the characters a-z A-Z 0-9 _ - and must not begin with a digit",
        ));
    }
    node.only(&[
        "name",
        "description",
        "handle_pattern",
        "metadata_schema",
        "entries_schema",
        "is_message_required",
        "catalog",
    ])?;
    let workflow = Workflow {
        name: node.required("name")?.text()?,
        description: node.field("description")?.map(|node| node.text()).transpose()?,
        handle_pattern: string(node, "handle_pattern")?.filter(|text| !text.is_empty()),
        metadata_schema: string(node, "metadata_schema")?.filter(|text| !text.is_empty()),
        entries_schema: string(node, "entries_schema")?.filter(|text| !text.is_empty()),
        is_message_required: boolean(node, "is_message_required")?.unwrap_or(false),
    };
    Ok((id.clone(), workflow))
}

fn string(node: &Node<'_>, name: &str) -> Result<Option<String>, ConfigError> {
    node.field(name)?.map(|node| node.string()).transpose()
}

fn boolean(node: &Node<'_>, name: &str) -> Result<Option<bool>, ConfigError> {
    node.field(name)?.map(|node| node.boolean()).transpose()
}

fn members<T>(
    node: &Node<'_>,
    name: &str,
    read: impl Fn(&Node<'_>) -> Result<T, ConfigError>,
) -> Result<Vec<(String, T)>, ConfigError> {
    let Some(node) = node.field(name)? else {
        return Ok(Vec::new());
    };
    node.members()?
        .iter()
        .map(|(id, node)| Ok((id.clone(), read(node)?)))
        .collect()
}
