//! The [`Tool`] trait, and [`AnyTool`], its type-erased form.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::arguments::{ArgumentSchema, ReadArguments};
use super::{JsonObject, Link, Session, ToolError, schema};
pub use crate::tools::toolset::Toolset;

/// The member in the result of a call with arguments of an older server that have no effect.
const IGNORED_ARGUMENTS: &str = "ignored_arguments";
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
    /// Whether the structured result is sent as such, and not only as text: with one, Codex and Mastra show their models no
    /// image.
    pub is_structured: bool,
    /// A link to the whole, if the output is only a part of it.
    pub link: Option<Link>,
}

impl<T> From<T> for ToolSuccess<T> {
    fn from(output: T) -> Self {
        Self {
            output,
            images: Vec::new(),
            is_structured: true,
            link: None,
        }
    }
}

impl<T> ToolSuccess<T> {
    /// Converts the structured result.
    pub(super) fn map<U>(self, convert: impl FnOnce(T) -> U) -> ToolSuccess<U> {
        ToolSuccess {
            output: convert(self.output),
            images: self.images,
            is_structured: self.is_structured,
            link: self.link,
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
    /// Whether every success is a structured result of this type.
    const IS_STRUCTURED: bool = true;
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
    /// The arguments, as they are listed.
    pub input_schema: Map<String, Value>,
    /// Absent if results are not structured in each case: some clients then ignore everything else in a result.
    pub output_schema: Option<Map<String, Value>>,
    pub(super) arguments: ArgumentSchema,
    run: Box<Run>,
}

impl AnyTool {
    /// Erases a tool's types.
    #[must_use]
    pub fn of<T: Tool>() -> Self {
        let arguments = ArgumentSchema::new(T::NAME, schema::input::<T::Args>());
        Self {
            name: T::NAME,
            title: T::TITLE,
            description: T::DESCRIPTION,
            toolset: T::TOOLSET,
            hints: T::HINTS,
            input_schema: arguments.listed(),
            output_schema: T::IS_STRUCTURED.then(schema::output::<T::Output>),
            arguments,
            run: Box::new(|session, arguments| {
                async move {
                    let reply = T::run(session, parse::<T::Args>(arguments)?).await?;
                    Ok(ToolSuccess {
                        output: JsonObject::success(&reply.output, T::estimate_json_bytes(&reply.output))?,
                        images: reply.images,
                        is_structured: reply.is_structured,
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
        arguments: Map<String, Value>,
    ) -> Result<ToolSuccess<JsonObject>, ToolError> {
        let ReadArguments { arguments, ignored } = self.arguments.read(&session, arguments).await?;
        let mut outcome = (self.run)(session.clone(), arguments).await;
        if !ignored.is_empty() {
            outcome = with_member(outcome, IGNORED_ARGUMENTS, ignored.into());
        }
        match session.credential_source() {
            Some(source) => with_member(outcome, CREDENTIAL_SOURCE, source.as_str().into()),
            None => outcome,
        }
    }
}

/// Adds a member to a result, or to the result of a failure.
fn with_member(
    outcome: Result<ToolSuccess<JsonObject>, ToolError>,
    name: &'static str,
    value: Value,
) -> Result<ToolSuccess<JsonObject>, ToolError> {
    match outcome {
        Ok(reply) => Ok(ToolSuccess {
            output: reply.output.with_member(name, &value)?,
            ..reply
        }),
        Err(mut error) => {
            error.partial.get_or_insert_default().insert(name.to_owned(), value);
            Err(error)
        }
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
