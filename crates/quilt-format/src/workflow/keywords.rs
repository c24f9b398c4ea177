//! Keywords of JSON schemas whose semantics differ between Python's `jsonschema` and Rust's.
//!
//! Patterns are Python regular expressions, so the keywords that contain them are replaced by custom keywords, under names
//! that no schema uses.

use fancy_regex::Regex;
use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError};
use serde_json::{Map, Value};

use super::{check, pattern};

const PATTERN: &str = "\u{0}pattern";
const PROPERTIES: &str = "\u{0}patternProperties";

/// Compiles a schema of draft 7 that [`rewrite_for_python`] has rewritten.
pub(super) fn build(schema: &Value) -> Result<jsonschema::Validator, ValidationError<'static>> {
    jsonschema::draft7::options()
        .should_validate_formats(false)
        .with_keyword("multipleOf", |_, divisor: &Value, _| {
            Ok(Box::new(MultipleOf(divisor.clone())))
        })
        .with_keyword(PATTERN, PythonPattern::keyword)
        .with_keyword(PROPERTIES, PatternProperties::keyword)
        .build(schema)
}

/// Rewrites a schema of draft 7 so that it has the same meaning as in Python.
///
/// Removes `$id` and `$schema`, to which nothing can refer, and the content keywords, which Python does not check.
pub(super) fn rewrite_for_python(schema: &mut Value) -> Result<(), String> {
    let Value::Object(schema) = schema else { return Ok(()) };
    for keyword in ["$id", "$schema", "contentEncoding", "contentMediaType"] {
        if schema.get(keyword).is_some_and(Value::is_string) {
            schema.remove(keyword);
        }
    }
    for (keyword, value) in schema.iter_mut() {
        match keyword.as_str() {
            "additionalItems"
            | "additionalProperties"
            | "contains"
            | "else"
            | "if"
            | "not"
            | "propertyNames"
            | "then" => {
                rewrite_for_python(value)?;
            }
            "allOf" | "anyOf" | "oneOf" => value
                .as_array_mut()
                .into_iter()
                .flatten()
                .try_for_each(rewrite_for_python)?,
            "items" => match value {
                Value::Array(items) => items.iter_mut().try_for_each(rewrite_for_python)?,
                one => rewrite_for_python(one)?,
            },
            "definitions" | "dependencies" | "patternProperties" | "properties" => {
                value
                    .as_object_mut()
                    .into_iter()
                    .flatten()
                    .try_for_each(|(_, schema)| rewrite_for_python(schema))?;
            }
            _ => {}
        }
    }
    if let Some(Value::String(text)) = schema.get("pattern") {
        compile(text)?;
        let value = schema.remove("pattern").unwrap_or_default();
        schema.insert(PATTERN.to_owned(), value);
    }
    if let Some(Value::Object(by_pattern)) = schema.get("patternProperties") {
        by_pattern.keys().try_for_each(|text| compile(text).map(drop))?;
        let by_pattern = schema.remove("patternProperties").unwrap_or_default();
        let known = schema
            .get("properties")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        let known: Vec<Value> = known.into_iter().map(|(name, _)| Value::String(name)).collect();
        let rest = schema.remove("additionalProperties").unwrap_or(Value::Bool(true));
        schema.insert(PROPERTIES.to_owned(), serde_json::json!([by_pattern, known, rest]));
    }
    Ok(())
}

fn compile(text: &str) -> Result<Regex, String> {
    let wrong = |problem: String| format!("the pattern `{text}` is not a valid regular expression: {problem}");
    let translated = pattern::translate(text).map_err(|problem| wrong(problem.to_owned()))?;
    Regex::new(&translated).map_err(|error| wrong(error.to_string()))
}

/// Returns whether a pattern matches. One that exceeds the backtracking limit does not match, as its result is unknown.
fn matches(regex: &Regex, text: &str) -> bool {
    regex.is_match(text).unwrap_or(false)
}

/// The keyword `pattern`, which must match somewhere in a string.
struct PythonPattern {
    text: String,
    regex: Regex,
}

impl PythonPattern {
    fn keyword<'a>(
        _: &'a Map<String, Value>,
        value: &'a Value,
        _: Location,
    ) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
        let text = value.as_str().unwrap_or_default().to_owned();
        let regex = compile(&text).map_err(ValidationError::custom)?;
        Ok(Box::new(Self { text, regex }))
    }
}

impl<'i> Keyword<'i> for PythonPattern {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.is_valid(instance) {
            return Ok(());
        }
        Err(ValidationError::custom(format!(
            "{instance} does not match {}",
            self.text
        )))
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        instance.as_str().is_none_or(|text| matches(&self.regex, text))
    }
}

/// The keyword `patternProperties`, with the `additionalProperties` beside it.
struct PatternProperties {
    by_pattern: Vec<(Regex, jsonschema::Validator)>,
    known: Vec<String>,
    rest: jsonschema::Validator,
}

impl PatternProperties {
    fn keyword<'a>(
        _: &'a Map<String, Value>,
        value: &'a Value,
        _: Location,
    ) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
        let Some([Value::Object(by_pattern), Value::Array(known), rest]) = value.as_array().map(Vec::as_slice) else {
            return Err(ValidationError::custom("patternProperties is not an object"));
        };
        let compiled =
            |(text, schema): (&String, &Value)| Ok((compile(text).map_err(ValidationError::custom)?, build(schema)?));
        Ok(Box::new(Self {
            by_pattern: by_pattern
                .iter()
                .map(compiled)
                .collect::<Result<_, ValidationError<'static>>>()?,
            known: known
                .iter()
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect(),
            rest: build(rest)?,
        }))
    }

    fn problem(&self, instance: &Value) -> Option<String> {
        for (name, value) in instance.as_object()? {
            let mut additional = !self.known.contains(name);
            for (_, schema) in self.by_pattern.iter().filter(|(regex, _)| matches(regex, name)) {
                additional = false;
                if let Some((place, problem)) = check::first_violation(schema, value) {
                    return Some(format!("{problem} (at /{name}{place})"));
                }
            }
            if additional && let Some((place, problem)) = check::first_violation(&self.rest, value) {
                return Some(format!("additional property: {problem} (at /{name}{place})"));
            }
        }
        None
    }
}

impl<'i> Keyword<'i> for PatternProperties {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        self.problem(instance)
            .map_or(Ok(()), |problem| Err(ValidationError::custom(problem)))
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        self.problem(instance).is_none()
    }
}

/// The keyword `multipleOf`, which divides doubles, so that 0.3 is not a multiple of 0.1 (`jsonschema/_keywords.py:
/// multipleOf`).
struct MultipleOf(Value);

impl<'i> Keyword<'i> for MultipleOf {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.is_valid(instance) {
            return Ok(());
        }
        Err(ValidationError::custom(format!(
            "{instance} is not a multiple of {}",
            self.0
        )))
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        let (Some(number), Some(divisor)) = (instance.as_f64(), self.0.as_f64()) else {
            return true;
        };
        if self.0.is_f64() {
            let quotient = number / divisor;
            return quotient.is_finite() && quotient.fract() == 0.0;
        }
        match (instance.as_i64(), self.0.as_i64()) {
            (Some(number), Some(divisor)) => number.checked_rem(divisor).unwrap_or(0) == 0,
            _ => number % divisor == 0.0,
        }
    }
}
