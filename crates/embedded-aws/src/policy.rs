//! Parsing and normalization of policy documents.
//!
//! AWS compares condition keys and policy variables case-insensitively, the evaluator does not. Both are therefore lowered
//! here, and the condition context of a request is built in lower case. Documents that AWS would reject are rejected,
//! because the evaluator takes a missing `Resource` as every resource.

use awsim_iam_policy::{PolicyDocument, parse_value};
use serde_json::Value;

/// Occurs when a policy document is not one that AWS would accept.
#[derive(Debug, Clone, thiserror::Error)]
#[error("malformed policy document: {0}")]
pub struct InvalidPolicy(String);

/// The condition keys from which the policy variables `aws:userid` and `aws:username` are substituted.
pub(crate) const USER_ID: &str = "caller:userid";
pub(crate) const USER_NAME: &str = "caller:username";

/// The kind of a policy document, which decides the elements that its statements must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A policy of a user, a role or a session. It has resources and no principals.
    Identity,
    /// The trust policy of a role. It has principals and no resources.
    Trust,
    /// A bucket policy. It has both.
    Bucket,
}

pub(crate) fn parse(kind: Kind, document: &Value) -> Result<PolicyDocument, InvalidPolicy> {
    let mut document = document.clone();
    if let Some(statements) = document.get_mut("Statement") {
        match statements {
            Value::Array(list) => list.iter_mut().for_each(normalise),
            other => normalise(other),
        }
    }
    let parsed = parse_value(&document).map_err(|error| InvalidPolicy(error.to_string()))?;
    for statement in &parsed.statements {
        let action = statement.action.is_some() || statement.not_action.is_some();
        let resource = statement.resource.is_some() || statement.not_resource.is_some();
        let principal = statement.principal.is_some() || statement.not_principal.is_some();
        if !action {
            return Err(InvalidPolicy("a statement needs Action or NotAction".to_owned()));
        }
        if resource == (kind == Kind::Trust) {
            return Err(InvalidPolicy(format!(
                "a statement of this {kind:?} policy has a wrong or missing Resource"
            )));
        }
        if principal == (kind == Kind::Identity) {
            return Err(InvalidPolicy(format!(
                "a statement of this {kind:?} policy has a wrong or missing Principal"
            )));
        }
    }
    if parsed.statements.is_empty() {
        return Err(InvalidPolicy("no statement".to_owned()));
    }
    Ok(parsed)
}

pub(crate) fn parse_all(kind: Kind, documents: &[Value]) -> Result<Vec<PolicyDocument>, InvalidPolicy> {
    documents.iter().map(|document| parse(kind, document)).collect()
}

fn normalise(statement: &mut Value) {
    lower_variables(statement);
    let Some(Value::Object(operators)) = statement.get_mut("Condition") else {
        return;
    };
    for (_, keys) in operators.iter_mut() {
        if let Value::Object(keys) = keys {
            *keys = std::mem::take(keys)
                .into_iter()
                .map(|(key, value)| (key.to_lowercase(), value))
                .collect();
        }
    }
}

fn lower_variables(value: &mut Value) {
    match value {
        Value::String(text) if text.contains("${") => *text = lower_in(text),
        Value::Array(list) => list.iter_mut().for_each(lower_variables),
        Value::Object(map) => map.values_mut().for_each(lower_variables),
        _ => {}
    }
}

fn lower_in(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, tail)) = after.split_once('}') else {
            break;
        };
        out.push_str(before);
        out.push_str("${");
        match name.to_lowercase().as_str() {
            // The evaluator substitutes these two itself, and wrongly for a session.
            "aws:userid" => out.push_str(USER_ID),
            "aws:username" => out.push_str(USER_NAME),
            name => out.push_str(name),
        }
        out.push('}');
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lowers_variables_and_condition_keys() {
        assert_eq!(
            lower_in("a/${aws:PrincipalTag/Team}/B${x"),
            "a/${aws:principaltag/team}/B${x"
        );
        let parsed = parse(
            Kind::Identity,
            &json!({"Statement": {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*",
                "Condition": {"StringLike": {"S3:Prefix": "A/*"}}}}),
        )
        .unwrap();
        let condition = parsed.statements[0].condition.as_ref().unwrap();
        assert_eq!(
            (
                condition.conditions[0].key.as_str(),
                condition.conditions[0].values[0].as_str()
            ),
            ("s3:prefix", "A/*")
        );
    }

    #[test]
    fn refuses_what_aws_refuses() {
        let no_resource = json!({"Statement": [{"Effect": "Allow", "Action": "s3:GetObject"}]});
        assert!(parse(Kind::Identity, &no_resource).is_err());
        let no_principal = json!({"Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]});
        assert!(parse(Kind::Bucket, &no_principal).is_err());
        assert!(parse(Kind::Trust, &no_principal).is_err());
        assert!(parse(Kind::Identity, &json!({"Statement": []})).is_err());
    }
}
