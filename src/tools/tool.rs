//! The shape of a tool, and its erased form in which all tools are alike.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Link, Session, ToolError, Written, schema};
use crate::credentials::Source;
use crate::json::{Shape, is_verbatim, nested_texts};
use crate::memory::SMALL;
use crate::telemetry::text::without_controls;
pub use crate::tools::toolset::Toolset;

/// The member of every result of a call that touched AWS.
const SOURCE: &str = "credential_source";

/// What a tool does to the world: MCP's four annotation hints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "MCP defines exactly these four")]
pub struct Hints {
    /// Changes nothing.
    pub read_only: bool,
    /// May replace or remove what is there.
    pub destructive: bool,
    /// Doing it twice is doing it once.
    pub idempotent: bool,
    /// Touches what others change too.
    pub open_world: bool,
}

impl Hints {
    /// Reads S3 or the catalog.
    pub const READS: Self = Self {
        read_only: true,
        destructive: false,
        idempotent: true,
        open_world: true,
    };
    /// Writes, and may replace what is there.
    pub const REPLACES: Self = Self {
        read_only: false,
        destructive: true,
        idempotent: true,
        open_world: true,
    };
}

/// An image that goes with a result, for models that see.
#[derive(Debug, Clone)]
pub struct Image {
    /// Base64.
    pub data: String,
    /// `image/png`, `image/jpeg`, `image/gif` or `image/webp`.
    pub mime_type: &'static str,
}

/// A tool's success.
#[derive(Debug, Clone)]
pub struct Reply<T> {
    /// The structured result, without `success` and `credential_source`.
    pub output: T,
    /// Images beside it.
    pub images: Vec<Image>,
    /// The whole, of which it is a piece.
    pub link: Option<Link>,
}

impl<T> From<T> for Reply<T> {
    fn from(output: T) -> Self {
        Self {
            output,
            images: Vec::new(),
            link: None,
        }
    }
}

/// One tool.
pub trait Tool: 'static {
    /// Unique name.
    const NAME: &'static str;
    /// Name for people.
    const TITLE: &'static str;
    /// At most four sentences for the model that chooses.
    const DESCRIPTION: &'static str;
    /// The group it belongs to.
    const TOOLSET: Toolset;
    /// What it does to the world.
    const HINTS: Hints;
    /// Its arguments.
    type Args: DeserializeOwned + JsonSchema + Send;
    /// Its result.
    type Output: Serialize + JsonSchema + Send;

    /// About how many bytes of JSON a result is, where it may be long.
    #[must_use]
    fn length(_: &Self::Output) -> usize {
        0
    }

    /// Does it.
    fn run(session: Session, args: Self::Args) -> impl Future<Output = Result<Reply<Self::Output>, ToolError>> + Send;
}

type Run = dyn Fn(Session, Map<String, Value>) -> BoxFuture<'static, Result<Reply<Written>, ToolError>> + Send + Sync;

/// A tool without its types.
pub struct AnyTool {
    /// Unique name.
    pub name: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// For the model that chooses.
    pub description: &'static str,
    /// The group it belongs to.
    pub toolset: Toolset,
    /// What it does to the world.
    pub hints: Hints,
    /// JSON schema of the arguments.
    pub input_schema: Map<String, Value>,
    /// JSON schema of the result.
    pub output_schema: Map<String, Value>,
    run: Box<Run>,
}

impl AnyTool {
    /// Erases a tool's types.
    #[must_use]
    pub fn of<T: Tool>() -> Self {
        Self {
            name: T::NAME,
            title: T::TITLE,
            description: T::DESCRIPTION,
            toolset: T::TOOLSET,
            hints: T::HINTS,
            input_schema: schema::input::<T::Args>(),
            output_schema: schema::output::<T::Output>(),
            run: Box::new(|session, arguments| {
                async move {
                    let reply = T::run(session, parse::<T::Args>(arguments)?).await?;
                    Ok(Reply {
                        output: Written::success(&reply.output, T::length(&reply.output))?,
                        images: reply.images,
                        link: reply.link,
                    })
                }
                .boxed()
            }),
        }
    }

    /// Calls it. The result has `success` first and, if AWS was touched, `credential_source` last; so has a failure's.
    pub async fn call(&self, session: Session, mut arguments: Map<String, Value>) -> Result<Reply<Written>, ToolError> {
        self.refuse_unknown(&arguments)?;
        // Clients fill in optional arguments that they do not mean with null.
        arguments.retain(|_, value| !value.is_null());
        arguments
            .iter_mut()
            .filter(|(name, _)| !is_verbatim(name))
            .for_each(|(_, value)| drop_nulls(value));
        reserve_for_texts(&session, &nested_texts(&arguments)).await?;
        let outcome = (self.run)(session.clone(), arguments).await;
        let Some(source) = session.credential_source().map(Source::as_str) else {
            return outcome;
        };
        match outcome {
            Ok(reply) => Ok(Reply {
                output: reply.output.with(SOURCE, &source)?,
                ..reply
            }),
            Err(mut error) => {
                error
                    .partial
                    .get_or_insert_default()
                    .insert(SOURCE.to_owned(), source.into());
                Err(error)
            }
        }
    }

    fn refuse_unknown(&self, arguments: &Map<String, Value>) -> Result<(), ToolError> {
        let Some(Value::Object(known)) = self.input_schema.get("properties") else {
            return Ok(());
        };
        let aliases = self.aliases();
        match arguments
            .keys()
            .find(|name| !known.contains_key(*name) && !aliases.contains(&name.as_str()))
        {
            None => Ok(()),
            Some(unknown) => {
                let unknown = without_controls(unknown, 80);
                let valid: Vec<&str> = known.keys().map(String::as_str).collect();
                let valid = if valid.is_empty() {
                    "none".to_owned()
                } else {
                    valid.join(", ")
                };
                Err(ToolError::invalid(format!(
                    "{} has no argument `{unknown}`; its arguments are: {valid}.",
                    self.name
                )))
            }
        }
    }

    /// Other accepted names of arguments, from the schema's `x-aliases`.
    fn aliases(&self) -> Vec<&str> {
        let Some(Value::Array(names)) = self.input_schema.get("x-aliases") else {
            return Vec::new();
        };
        names.iter().filter_map(Value::as_str).collect()
    }
}

/// Reserves memory for values that texts will become.
pub(super) async fn reserve_for_texts(session: &Session, texts: &[String]) -> Result<(), ToolError> {
    let mut bytes = 0;
    for text in texts {
        bytes += Shape::measure(text.as_bytes())
            .map_err(|excess| ToolError::invalid(excess.to_string()))?
            .decoded_bytes();
    }
    if bytes > SMALL {
        session.hold_more(bytes).await
    } else {
        Ok(())
    }
}

/// Reads arguments; the error names the argument and what was expected.
fn parse<T: DeserializeOwned>(arguments: Map<String, Value>) -> Result<T, ToolError> {
    serde_path_to_error::deserialize(Value::Object(arguments)).map_err(|error| {
        let path = error.path().to_string();
        let problem = error.into_inner().to_string();
        let message = if path == "." {
            format!("The arguments cannot be used: {problem}.")
        } else {
            format!("Argument {path}: {problem}.")
        };
        ToolError::invalid(message)
    })
}

/// Drops null members of objects, however deep, but not in metadata.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null());
            object
                .iter_mut()
                .filter(|(name, _)| !is_verbatim(name))
                .for_each(|(_, value)| drop_nulls(value));
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
