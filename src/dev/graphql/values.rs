//! Values of variables and arguments, coerced to the types of a schema.

use graphql_parser::query::{Field, Type, Value as Literal, VariableDefinition};
use serde_json::{Map, Value, json};

use super::schema::{FieldDef, Kind, Schema, name_of};

/// A value that does not have its type.
pub struct Mismatch {
    /// The path to the value within its variable, such as `.size.gte`.
    path: String,
    pub message: String,
}

/// Coerces the variables of an operation.
pub fn variables(
    schema: &Schema,
    definitions: &[VariableDefinition<'_, String>],
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, Vec<Value>> {
    let (mut values, mut errors) = (Map::new(), Vec::new());
    for definition in definitions {
        let (name, var_type) = (&definition.name, &definition.var_type);
        let default = definition.default_value.as_ref();
        let coerced = match given.get(name) {
            Some(value) => coerce(schema, var_type, value, '\''),
            None => match (default, var_type) {
                (Some(literal), _) => coerce(schema, var_type, &to_json(literal, &Map::new()), '"'),
                (None, Type::NonNullType(_)) => Err(Mismatch {
                    path: String::new(),
                    message: format!("Expected a value of non-null type '{var_type}' to be provided."),
                }),
                (None, _) => continue,
            },
        };
        match coerced {
            Ok(value) => {
                values.insert(name.clone(), value);
            }
            Err(Mismatch { path, message }) => {
                let place = if path.is_empty() {
                    String::new()
                } else {
                    format!(" at {path}")
                };
                let position = definition.position;
                errors.push(json!({
                    "message": format!("Variable '${name}' has invalid value{place}: {message}"),
                    "locations": [{ "line": position.line, "column": position.column }],
                }));
            }
        }
    }
    if errors.is_empty() { Ok(values) } else { Err(errors) }
}

/// Returns the arguments of a field of a valid document, with defaults. Arguments whose variable has no value are absent.
pub fn arguments(
    schema: &Schema,
    definition: &FieldDef,
    field: &Field<'_, String>,
    variables: &Map<String, Value>,
) -> Result<Map<String, Value>, String> {
    let mut values = Map::new();
    for input in &definition.arguments {
        let literal = field.arguments.iter().find(|(name, _)| *name == input.name);
        let literal = literal.map(|(_, literal)| literal);
        let value = match literal {
            Some(Literal::Variable(name)) => variables.get(name).cloned(),
            Some(literal) => {
                let coerced = coerce(schema, &input.value_type, &to_json(literal, variables), '"');
                Some(coerced.map_err(|mismatch| mismatch.message)?)
            }
            None => None,
        };
        let default = || input.default_value.as_ref().map(|default| to_json(default, variables));
        if let Some(value) = value.or_else(default) {
            values.insert(input.name.clone(), value);
        }
    }
    Ok(values)
}

/// Converts a literal with its variables to JSON; enum values become strings.
pub fn to_json(literal: &Literal<'_, String>, variables: &Map<String, Value>) -> Value {
    match literal {
        Literal::Variable(name) => variables.get(name).cloned().unwrap_or_default(),
        Literal::Int(number) => json!(number.as_i64()),
        Literal::Float(number) => json!(number),
        Literal::String(text) | Literal::Enum(text) => json!(text),
        Literal::Boolean(value) => json!(value),
        Literal::Null => Value::Null,
        Literal::List(items) => items.iter().map(|item| to_json(item, variables)).collect(),
        Literal::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| (name.clone(), to_json(value, variables)));
            Value::Object(fields.collect())
        }
    }
}

/// Coerces a value to a type. `quote` surrounds strings in messages: `'` for values of variables, `"` for literals.
pub fn coerce(schema: &Schema, type_ref: &Type<'_, String>, value: &Value, quote: char) -> Result<Value, Mismatch> {
    let mismatch = |message: String| Mismatch {
        path: String::new(),
        message,
    };
    let within = |place: String| {
        move |inner: Mismatch| Mismatch {
            path: format!("{place}{}", inner.path),
            message: inner.message,
        }
    };
    match (type_ref, value) {
        (Type::NonNullType(_), Value::Null) => Err(mismatch(format!(
            "Expected value of non-null type '{type_ref}' not to be None."
        ))),
        (Type::NonNullType(inner), value) => coerce(schema, inner, value, quote),
        (_, Value::Null) => Ok(Value::Null),
        (Type::ListType(inner), Value::Array(items)) => {
            let items = items.iter().enumerate();
            items
                .map(|(index, item)| coerce(schema, inner, item, quote).map_err(within(format!("[{index}]"))))
                .collect()
        }
        // A single value is a list of one.
        (Type::ListType(inner), value) => Ok(json!([coerce(schema, inner, value, quote)?])),
        (Type::NamedType(name), value) => match (schema.kind(name), value) {
            (Some(Kind::Input(inputs)), Value::Object(fields)) => {
                if let Some(unknown) = fields
                    .keys()
                    .find(|field| inputs.iter().all(|input| input.name != **field))
                {
                    return Err(mismatch(format!(
                        "Expected value of type '{name}' not to include unknown field '{unknown}', found: {}.",
                        repr(value, quote)
                    )));
                }
                let mut coerced = Map::new();
                for input in inputs {
                    match fields.get(&input.name) {
                        Some(value) => {
                            let inner = coerce(schema, &input.value_type, value, quote);
                            coerced.insert(input.name.clone(), inner.map_err(within(format!(".{}", input.name)))?);
                        }
                        None if matches!(input.value_type, Type::NonNullType(_)) => {
                            return Err(mismatch(format!(
                                "Expected value of type '{name}' to include required field '{}', found: {}.",
                                input.name,
                                repr(value, quote)
                            )));
                        }
                        None => {}
                    }
                }
                Ok(Value::Object(coerced))
            }
            (Some(Kind::Input(_)), value) => Err(mismatch(format!(
                "Expected value of type '{name}' to be an object, found: {}.",
                repr(value, quote)
            ))),
            (Some(Kind::Enum(values)), Value::String(text)) if !values.contains(text) => {
                Err(mismatch(format!("Value '{text}' does not exist in '{name}' enum.")))
            }
            (Some(Kind::Enum(_)), Value::String(_)) => Ok(value.clone()),
            (Some(Kind::Enum(_)), value) => Err(mismatch(format!(
                "Enum '{name}' cannot represent non-string value: {}.",
                repr(value, quote)
            ))),
            _ => scalar(name_of(type_ref), value, quote).map_err(mismatch),
        },
    }
}

fn scalar(name: &str, value: &Value, quote: char) -> Result<Value, String> {
    let whole = |number: f64| number.fract() == 0.0;
    let expected = match (name, value) {
        ("String", Value::String(_))
        | ("ID", Value::String(_) | Value::Number(_))
        | ("Boolean", Value::Bool(_))
        | ("Float", Value::Number(_)) => return Ok(value.clone()),
        ("Int", Value::Number(number)) if number.as_f64().is_some_and(whole) => {
            let fits = number
                .as_f64()
                .filter(|number| (-2_147_483_648.0..=2_147_483_647.0).contains(number));
            if fits.is_some() {
                return Ok(value.clone());
            }
            "Int cannot represent non 32-bit signed integer value"
        }
        ("Int", _) => "Int cannot represent non-integer value",
        ("Float", _) => "Float cannot represent non numeric value",
        ("Boolean", _) => "Boolean cannot represent a non boolean value",
        ("String", _) => "String cannot represent a non string value",
        ("ID", _) => "ID cannot represent value",
        // Scalars of the schema's own take any value; their readers check it.
        _ => return Ok(value.clone()),
    };
    Err(format!("{expected}: {}", repr(value, quote)))
}

/// Shows a value of a variable as Python's `repr` does, and a literal as in a document.
fn repr(value: &Value, quote: char) -> String {
    let is_literal = quote == '"';
    match value {
        Value::Null | Value::Bool(_) if is_literal => value.to_string(),
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => format!("{quote}{text}{quote}"),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| repr(item, quote)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let name = |name: &str| {
                if is_literal {
                    name.to_owned()
                } else {
                    format!("'{name}'")
                }
            };
            let fields = fields
                .iter()
                .map(|(key, value)| format!("{}: {}", name(key), repr(value, quote)));
            let fields = fields.collect::<Vec<_>>().join(", ");
            if is_literal {
                format!("{{ {fields} }}")
            } else {
                format!("{{{fields}}}")
            }
        }
        Value::Number(number) => number.to_string(),
    }
}
