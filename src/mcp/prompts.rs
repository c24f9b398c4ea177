//! The prompts.

use rmcp::model::{GetPromptResult, Prompt, PromptArgument, PromptMessage, Role};

use super::discovery::server_meta;
use super::{Answer, CallContext, Request, RpcError};
use crate::error_code::ErrorCode;
use crate::tools::{ToolFilter, Toolset};

/// Limit of an argument, in characters.
const MAX_ARGUMENT_CHARS: usize = 2000;

struct Template {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    toolset: Toolset,
    writes: bool,
    /// Name, description, whether it must be there.
    arguments: &'static [(&'static str, &'static str, bool)],
    /// The text, with `{name}` where an argument stands. A part belongs to a toolset, and is left out where that is off: a prompt
    /// names no tool that the request does not have.
    text: &'static [(Toolset, &'static str)],
}

const TEMPLATES: [Template; 4] = [
    Template {
        name: "build_package",
        title: "Build a package from a prefix",
        description: "Makes a package of everything below a prefix, after a rehearsal.",
        toolset: Toolset::Packaging,
        writes: true,
        arguments: &[
            ("bucket", "Bucket that is to hold the package", true),
            ("package", "Name of the package, namespace/name", true),
            ("source_bucket", "Bucket that holds the files", true),
            ("source_prefix", "Prefix of the files", true),
        ],
        text: &[(
            Toolset::Packaging,
            "Build the Quilt package {package} in the bucket {bucket} from the objects below s3://{source_bucket}/\
               {source_prefix}.\n\nFirst list the objects and say what kinds of files there are. Then call \
               package_create_from_s3 with dry_run=true and show me the logical keys, the number of entries and their \
               total size, and suggest a message and metadata that only state what the files show. Create the package \
               when I agree, and tell me its top hash.",
        )],
    },
    Template {
        name: "explain_denial",
        title: "Explain a denial",
        description: "Finds out why something was denied, and what to ask whom for.",
        toolset: Toolset::Auth,
        writes: false,
        arguments: &[
            ("error", "What was said when it was denied", false),
            ("resource", "Bucket or s3:// URI of the denied call", false),
        ],
        text: &[(
            Toolset::Auth,
            "Something was denied to me in the Quilt catalog. What was said: {error}\nWhat it was about: \
               {resource}\n\nCall auth_status and tell me who I am to this server, which AWS identity my calls act with, \
               where its credentials come from, and what each credential source answered. If a bucket is known, find out \
               what I may do there. Then say in plain words which right is missing, on what, for whom, and who can grant \
               it; do not guess beyond what the tools said.",
        )],
    },
    Template {
        name: "explore_bucket",
        title: "Explore a bucket",
        description: "Gives an overview of what a bucket holds.",
        toolset: Toolset::Buckets,
        writes: false,
        arguments: &[
            ("bucket", "Bucket to look into", true),
            ("prefix", "Where in it to begin", false),
        ],
        text: &[(
            Toolset::Buckets,
            "Give me an overview of the bucket {bucket}, beginning at: {prefix}\n\nBrowse it like folders with \
               bucket_objects_list and delimiter \"/\", a level at a time, and read README files where there are any. Say \
               which kinds of data there are, how they are laid out, how large they are and how recent. Read only the \
               beginning of files, and no more than you need.",
        )],
    },
    Template {
        name: "find_and_explain",
        title: "Find and explain",
        description: "Searches the catalog, looks into what was found, and answers with links.",
        toolset: Toolset::Search,
        writes: false,
        arguments: &[
            ("question", "What to look for", true),
            ("bucket", "Bucket to search; by default all", false),
        ],
        text: &[
            (
                Toolset::Search,
                "Find this in the Quilt catalog and explain it to me: {question}\nBucket: {bucket}\n\nCall search_catalog with a \
                 few words of the question, and with filters or metadata where it names a kind of file, a date, a size or a \
                 property; kind=packages finds data sets, kind=objects single files. If nothing is found, call search_facets \
                 with the same arguments but fewer conditions, see which fields and values there are, and search once more in \
                 these words; say so if there is still nothing. ",
            ),
            (
                Toolset::Packaging,
                "See with package_browse what the best packages hold. ",
            ),
            (
                Toolset::Buckets,
                "Read no more than the beginning of the files that matter, with bucket_object_text. ",
            ),
            (
                Toolset::Search,
                "Then answer: what there is, where it lies, how recent it is and how sure you are, with the catalog_url of each \
                 result that you name. Do not claim what the tools did not show.",
            ),
        ],
    },
];

impl Template {
    /// Returns the parts of the toolsets that are on.
    fn text(&self, filter: ToolFilter) -> String {
        let on = self.text.iter().filter(|(toolset, _)| filter.includes(*toolset));
        on.map(|(_, text)| *text).collect()
    }
}

/// Lists the prompts of the enabled toolsets, ordered by name.
pub(super) fn list(filter: ToolFilter) -> Vec<Prompt> {
    let on = TEMPLATES.iter().filter(|template| is_on(template, filter));
    let on = on.filter(|template| filter.lists_toolset(template.toolset));
    let prompts = on.map(|template| {
        let argument = |(name, description, required): &(&str, &str, bool)| {
            PromptArgument::new(*name)
                .with_description(*description)
                .with_required(*required)
        };
        let arguments = template.arguments.iter().map(argument).collect();
        Prompt::new(template.name, Some(template.description), Some(arguments)).with_title(template.title)
    });
    #[cfg(feature = "conformance")]
    let prompts = prompts.chain(conformance_server::prompts());
    prompts.collect()
}

/// Whether there is a prompt of this name with this argument.
pub(super) fn has_argument(prompt: &str, argument: &str, filter: ToolFilter) -> Option<bool> {
    let template = TEMPLATES
        .iter()
        .find(|template| template.name == prompt && is_on(template, filter))?;
    Some(template.arguments.iter().any(|(name, ..)| *name == argument))
}

/// Renders a prompt.
pub(super) fn get(request: &Request, context: &CallContext) -> Result<Answer, RpcError> {
    let (filter, version) = (context.tool_filter, context.version);
    let invalid = |message: String| Err(RpcError::new(ErrorCode::InvalidParams, message));
    let name = request.params.name.as_deref().unwrap_or_default();
    let found = TEMPLATES
        .iter()
        .find(|template| template.name == name && is_on(template, filter));
    let Some(template) = found else {
        let names: Vec<&str> = list_names(filter).collect();
        let message = format!("There is no such prompt; the prompts are: {}.", names.join(", "));
        return Err(RpcError::new(ErrorCode::UnknownPrompt, message));
    };
    let given = request.params.arguments()?;
    let names: Vec<&str> = template.arguments.iter().map(|(name, ..)| *name).collect();
    if given.keys().any(|name| !names.contains(&name.as_str())) {
        return invalid(format!(
            "The prompt {} has no such argument; its arguments are: {}.",
            template.name,
            names.join(", ")
        ));
    }
    let mut values = Vec::new();
    for (name, _, required) in template.arguments {
        let value = given.get(*name).filter(|value| !value.is_null());
        match value.map(|value| value.as_str().map(str::trim)) {
            Some(Some(text)) if !text.is_empty() && text.chars().count() <= MAX_ARGUMENT_CHARS => {
                values.push((*name, text));
            }
            Some(None) => return invalid(format!("Argument {name}: expected a string.")),
            Some(Some(text)) if !text.is_empty() => {
                return invalid(format!(
                    "Argument {name}: expected at most {MAX_ARGUMENT_CHARS} characters."
                ));
            }
            _ if *required => return invalid(format!("The prompt {} needs the argument {name}.", template.name)),
            _ => values.push((*name, "(not given)")),
        }
    }
    let message = PromptMessage::new_text(Role::User, filled(&template.text(filter), &values));
    let mut result = GetPromptResult::new(vec![message]).with_description(template.description);
    result.meta = server_meta(version).cloned();
    result.result_type.take_if(|_| version.has_handshake());
    Answer::of(&result)
}

/// Substitutes in one pass, so that a value that looks like a placeholder is left as it is.
fn filled(text: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, behind)) = behind.split_once('}') else {
            break;
        };
        out.push_str(
            values
                .iter()
                .find(|(own, _)| *own == name)
                .map_or("", |(_, value)| value),
        );
        rest = behind;
    }
    out.push_str(rest);
    out
}

fn list_names(filter: ToolFilter) -> impl Iterator<Item = &'static str> {
    TEMPLATES
        .iter()
        .filter(move |template| is_on(template, filter))
        .map(|template| template.name)
}

fn is_on(template: &Template, filter: ToolFilter) -> bool {
    filter.includes(template.toolset) && (!template.writes || filter.allows_writes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::ToolStyle;

    #[test]
    fn a_value_is_never_taken_for_a_place() {
        let values = [("a", "{b}"), ("b", "x")];
        assert_eq!(filled("{a}-{b}-{c}.", &values), "{b}-x-.");
    }

    #[test]
    fn every_place_in_a_text_is_an_argument() {
        for template in &TEMPLATES {
            let text = template.text(ToolFilter::all(ToolStyle::Typed));
            for place in text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()) {
                assert!(
                    template.arguments.iter().any(|(name, ..)| *name == place),
                    "{} {place}",
                    template.name
                );
            }
            for (name, ..) in template.arguments {
                assert!(text.contains(&format!("{{{name}}}")), "{} {name}", template.name);
            }
        }
    }
}
