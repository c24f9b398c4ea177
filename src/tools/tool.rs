//! The [`Tool`] trait, and [`AnyTool`], its type-erased form.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{JsonObject, Link, Session, ToolError, schema};
use crate::credentials::Source;
use crate::json::{Shape, is_verbatim, nested_texts};
use crate::memory::MAX_SMALL_PAYLOAD;
use crate::telemetry::text::without_controls;
pub use crate::tools::toolset::Toolset;

/// The member in every result of a call that used AWS.
const CREDENTIAL_SOURCE: &str = "credential_source";

/// The four annotation hints that MCP defines for a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "MCP defines exactly these four")]
pub struct Hints {
    /// The tool changes nothing.
    pub read_only: bool,
    /// The tool may replace or remove existing data.
    pub destructive: bool,
    /// A repeated call has no further effect.
    pub idempotent: bool,
    /// The tool uses data that others change too.
    pub open_world: bool,
}

impl Hints {
    /// Hints of a tool that reads S3 or the catalog.
    pub const READS: Self = Self {
        read_only: true,
        destructive: false,
        idempotent: true,
        open_world: true,
    };
    /// Hints of a tool that writes, and may replace existing data.
    pub const REPLACES: Self = Self {
        read_only: false,
        destructive: true,
        idempotent: true,
        open_world: true,
    };
}

/// An image in a result, for models that accept images.
#[derive(Debug, Clone)]
pub struct Image {
    /// Base64.
    pub data: String,
    /// `image/png`, `image/jpeg`, `image/gif` or `image/webp`.
    pub mime_type: &'static str,
}

/// The result of a tool that succeeded.
#[derive(Debug, Clone)]
pub struct ToolSuccess<T> {
    /// The structured result, without `success` and `credential_source`.
    pub output: T,
    pub images: Vec<Image>,
    /// A link to the whole, if the output is only a part of it.
    pub link: Option<Link>,
}

impl<T> From<T> for ToolSuccess<T> {
    fn from(output: T) -> Self {
        Self {
            output,
            images: Vec::new(),
            link: None,
        }
    }
}

/// A tool with typed arguments.
pub trait Tool: 'static {
    const NAME: &'static str;
    /// Name shown to people.
    const TITLE: &'static str;
    /// At most four sentences, from which a model chooses a tool.
    const DESCRIPTION: &'static str;
    const TOOLSET: Toolset;
    const HINTS: Hints;
    type Args: DeserializeOwned + JsonSchema + Send;
    type Output: Serialize + JsonSchema + Send;

    /// Estimates the length of a result's JSON, if it may be long.
    #[must_use]
    fn estimate_json_bytes(_: &Self::Output) -> usize {
        0
    }

    /// Runs the tool.
    fn run(
        session: Session,
        args: Self::Args,
    ) -> impl Future<Output = Result<ToolSuccess<Self::Output>, ToolError>> + Send;
}

type Run =
    dyn Fn(Session, Map<String, Value>) -> BoxFuture<'static, Result<ToolSuccess<JsonObject>, ToolError>> + Send + Sync;

/// A type-erased [`Tool`].
pub struct AnyTool {
    pub name: &'static str,
    /// Name shown to people.
    pub title: &'static str,
    /// Text from which a model chooses a tool.
    pub description: &'static str,
    pub toolset: Toolset,
    pub hints: Hints,
    pub input_schema: Map<String, Value>,
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
                    Ok(ToolSuccess {
                        output: JsonObject::success(&reply.output, T::estimate_json_bytes(&reply.output))?,
                        images: reply.images,
                        link: reply.link,
                    })
                }
                .boxed()
            }),
        }
    }

    /// Calls the tool. Results and failures begin with `success` and, if AWS was used, end with `credential_source`.
    pub async fn call(
        &self,
        session: Session,
        mut arguments: Map<String, Value>,
    ) -> Result<ToolSuccess<JsonObject>, ToolError> {
        self.refuse_unknown_arguments(&arguments)?;
        // Clients fill optional arguments that they do not use with null.
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
            Ok(reply) => Ok(ToolSuccess {
                output: reply.output.with_member(CREDENTIAL_SOURCE, &source)?,
                ..reply
            }),
            Err(mut error) => {
                error
                    .partial
                    .get_or_insert_default()
                    .insert(CREDENTIAL_SOURCE.to_owned(), source.into());
                Err(error)
            }
        }
    }

    fn refuse_unknown_arguments(&self, arguments: &Map<String, Value>) -> Result<(), ToolError> {
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

    /// Returns the other accepted names of arguments, from the schema's `x-aliases`.
    fn aliases(&self) -> Vec<&str> {
        let Some(Value::Array(names)) = self.input_schema.get("x-aliases") else {
            return Vec::new();
        };
        names.iter().filter_map(Value::as_str).collect()
    }
}

/// Reserves memory for the values that JSON texts decode to.
pub(super) async fn reserve_for_texts(session: &Session, texts: &[String]) -> Result<(), ToolError> {
    let mut bytes = 0;
    for text in texts {
        bytes += Shape::measure(text.as_bytes())
            .map_err(|excess| ToolError::invalid(excess.to_string()))?
            .decoded_bytes();
    }
    if bytes > MAX_SMALL_PAYLOAD {
        session.reserve_more(bytes).await
    } else {
        Ok(())
    }
}

/// Parses arguments. The error names the argument and the expected value.
fn parse<T: DeserializeOwned>(arguments: Map<String, Value>) -> Result<T, ToolError> {
    serde_path_to_error::deserialize(Value::Object(arguments)).map_err(|error| {
        let path = error.path().to_string();
        let problem = error.into_inner().to_string();
        let message = if path == "." {
            format!("The arguments are not valid: {problem}.")
        } else {
            format!("Argument {path}: {problem}.")
        };
        ToolError::invalid(message)
    })
}

/// Drops null members of objects at every depth, but not in metadata.
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
