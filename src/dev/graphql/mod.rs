//! A GraphQL service over a fixed schema, in the words of graphql-core, which Python services answer with.
//!
//! **Owns** parsing, validation, coercion of values, and execution. What fields mean is the resolver's ([`Node`]).
//!
//! **Limitations.** Queries and mutations, without introspection other than `__typename`. Of the rules of validation, those are
//! checked that a document for another schema breaks. Messages make no suggestions of similar names.

mod execute;
mod merge;
mod schema;
mod validate;
mod values;

pub use execute::{Node, Object};
use graphql_parser::query::{Definition, Document, FragmentDefinition, OperationDefinition, parse_query};
pub use schema::Schema;
use serde_json::{Map, Value, json};

/// A fragment of a document.
type Fragment<'d> = FragmentDefinition<'d, String>;

/// A request: a document, its variables, and the name of the operation if it has several.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    query: String,
    #[serde(default)]
    variables: Option<Map<String, Value>>,
    #[serde(default)]
    operation_name: Option<String>,
}

impl Request {
    /// Returns whether the document may ask for this field.
    pub fn mentions(&self, field: &str) -> bool {
        self.query.contains(field)
    }
}

/// The response to a request.
pub struct Response {
    /// Whether the document was executed. HTTP services answer 400 if not.
    pub is_executed: bool,
    /// The body.
    pub body: Value,
}

/// The root values.
pub struct Roots<'n> {
    pub query: Node<'n>,
    pub mutation: Node<'n>,
}

/// Executes a request on the root value of its operation.
pub fn respond(schema: &Schema, request: &Request, root: &Roots<'_>) -> Response {
    match prepare(schema, request).and_then(|document| execute(schema, request, &document, root)) {
        Ok(body) => Response {
            is_executed: true,
            body,
        },
        Err(errors) => Response {
            is_executed: false,
            body: json!({ "errors": errors }),
        },
    }
}

fn prepare<'r>(schema: &Schema, request: &'r Request) -> Result<Document<'r, String>, Vec<Value>> {
    let syntax = |error: graphql_parser::query::ParseError| {
        let text = error.to_string();
        let text = text.trim_start_matches("query parse error: ").replace('\n', " ");
        vec![json!({ "message": format!("Syntax Error: {}", text.trim()) })]
    };
    let document = parse_query::<String>(&request.query).map_err(syntax)?;
    let errors = validate::validate(schema, &document);
    if errors.is_empty() { Ok(document) } else { Err(errors) }
}

fn execute(
    schema: &Schema,
    request: &Request,
    document: &Document<'_, String>,
    roots: &Roots<'_>,
) -> Result<Value, Vec<Value>> {
    let fragments = fragments(document);
    let message = |text: String| vec![json!({ "message": text })];
    let mut operations = document.definitions.iter().filter_map(|definition| match definition {
        Definition::Operation(operation) => Some(operation),
        Definition::Fragment(_) => None,
    });
    let operation = match &request.operation_name {
        None if operations.clone().count() > 1 => {
            return Err(message(
                "Must provide operation name if query contains multiple operations.".to_owned(),
            ));
        }
        None => operations
            .next()
            .ok_or_else(|| message("Must provide an operation.".to_owned()))?,
        Some(wanted) => operations
            .find(|operation| name_of(operation) == Some(wanted))
            .ok_or_else(|| message(format!("Unknown operation named '{wanted}'.")))?,
    };
    let (definitions, selection, root, type_name) = match operation {
        OperationDefinition::SelectionSet(selection) => (&[][..], selection, &roots.query, "Query"),
        OperationDefinition::Query(it) => (&it.variable_definitions[..], &it.selection_set, &roots.query, "Query"),
        OperationDefinition::Mutation(it) => (
            &it.variable_definitions[..],
            &it.selection_set,
            &roots.mutation,
            "Mutation",
        ),
        OperationDefinition::Subscription(_) => {
            return Err(message("The operation is a subscription.".to_owned()));
        }
    };
    let none = Map::new();
    let variables = values::variables(schema, definitions, request.variables.as_ref().unwrap_or(&none))?;
    let executor = execute::Executor {
        schema,
        fragments,
        variables,
    };
    Ok(executor.run(root, type_name, selection))
}

fn name_of<'a>(operation: &'a OperationDefinition<'_, String>) -> Option<&'a String> {
    match operation {
        OperationDefinition::SelectionSet(_) => None,
        OperationDefinition::Query(it) => it.name.as_ref(),
        OperationDefinition::Mutation(it) => it.name.as_ref(),
        OperationDefinition::Subscription(it) => it.name.as_ref(),
    }
}

fn fragments<'a, 'd>(document: &'a Document<'d, String>) -> Vec<&'a Fragment<'d>> {
    let fragment = |definition: &'a Definition<'d, String>| match definition {
        Definition::Fragment(fragment) => Some(fragment),
        Definition::Operation(_) => None,
    };
    document.definitions.iter().filter_map(fragment).collect()
}
