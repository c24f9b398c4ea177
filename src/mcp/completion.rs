//! `completion/complete`: names that complete an argument of a prompt or a variable of a resource template.

use rmcp::model::{ArgumentInfo, CompletionContext, Reference};

use super::resources::{ENTRY, OBJECT, PACKAGE, switched_off};
use super::{Request, RpcError, prompts};
use crate::aws::s3::BucketName;
use crate::error_code::ErrorCode;
use crate::tools::{Completion, Session, ToolError, ToolFilter, Toolset, complete_bucket, complete_package};

/// The kind of value that is completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The name of a bucket.
    Bucket,
    /// The name of a package of this bucket.
    Package(BucketName),
    /// A value without a list of candidates.
    Anything,
}

/// Decodes the kind of value and its prefix. The prompt or template of the request must exist.
pub(super) fn wanted(request: &Request, filter: ToolFilter) -> Result<(Wanted, String), RpcError> {
    let invalid = |message: String| RpcError::new(ErrorCode::InvalidParams, message);
    let params = &request.params;
    let undecodable =
        |member: &str| RpcError::undecodable(format!("`{member}` in `params` is missing or cannot be decoded."));
    let reference: Reference = params.reference.decode().map_err(|_| undecodable("ref"))?;
    let ArgumentInfo { name, value: begin, .. } = params.argument.decode().map_err(|_| undecodable("argument"))?;
    let others: Option<CompletionContext> = params.context.decode().map_err(|_| undecodable("context"))?;
    let argument = name.as_str();
    let is_there = match &reference {
        Reference::Prompt(prompt) => prompts::has_argument(&prompt.name, argument, filter).ok_or_else(|| {
            RpcError::new(
                ErrorCode::UnknownPrompt,
                "There is no such prompt; prompts/list shows them.",
            )
        })?,
        Reference::Resource(resource) => {
            let toolset = match resource.uri.as_str() {
                OBJECT => Toolset::Buckets,
                PACKAGE | ENTRY => Toolset::Packaging,
                _ => {
                    let message = "There is no such resource template; resources/templates/list shows them.";
                    return Err(invalid(message.to_owned()));
                }
            };
            if !filter.includes(toolset) {
                return Err(switched_off(toolset));
            }
            ["{", "{+"]
                .iter()
                .any(|open| resource.uri.contains(&format!("{open}{argument}}}")))
        }
        _ => false,
    };
    if !is_there {
        return Err(invalid(
            "The referenced prompt or template has no such argument.".to_owned(),
        ));
    }
    let wanted = match argument {
        "bucket" | "source_bucket" => Wanted::Bucket,
        "package" => {
            let bucket = others.as_ref().and_then(|others| others.get_argument("bucket"));
            let bucket = bucket.ok_or_else(|| {
                invalid("Packages are completed in a bucket; name it in context.arguments.bucket.".to_owned())
            })?;
            bucket
                .parse()
                .map(Wanted::Package)
                .map_err(|problem| invalid(format!("context.arguments.bucket: {problem}.")))?
        }
        _ => Wanted::Anything,
    };
    Ok((wanted, begin))
}

/// Lists the candidates that this caller may see.
pub(super) async fn complete(wanted: Wanted, session: &Session, begin: &str) -> Result<Completion, ToolError> {
    match wanted {
        Wanted::Bucket => complete_bucket(session, begin).await,
        Wanted::Package(bucket) => complete_package(session, &bucket, begin).await,
        Wanted::Anything => Ok(Completion::NONE),
    }
}
