//! Execution of a valid document.

use std::collections::BTreeSet;

use graphql_parser::query::{Directive, Field, Selection, SelectionSet, Type, TypeCondition};
use serde_json::{Map, Value, json};

use super::Fragment;
use super::schema::{Schema, TypeRef, name_of};
use super::values::{arguments, to_json};

/// A value whose fields are computed when they are asked for.
pub trait Object<'n> {
    /// Returns the name of its object type.
    fn type_name(&self) -> String;
    /// Returns the value of a field, or the message of an error.
    fn field(&self, name: &str, arguments: &Map<String, Value>) -> Result<Node<'n>, String>;
}

/// A value in the graph.
pub enum Node<'n> {
    /// A value with all its fields. Where its type is abstract, objects name theirs in `__typename`.
    Json(Value),
    /// A value whose fields are computed.
    Lazy(Box<dyn Object<'n> + 'n>),
}

pub(super) struct Executor<'a, 'd> {
    pub schema: &'a Schema,
    pub fragments: Vec<&'a Fragment<'d>>,
    pub variables: Map<String, Value>,
}

struct Failure {
    message: String,
    path: Vec<Value>,
    position: graphql_parser::Pos,
}

type Fields<'a, 'd> = Vec<(&'a str, Vec<&'a Field<'d, String>>)>;

impl<'a, 'd> Executor<'a, 'd> {
    /// Returns the response's body. An error makes all data null.
    pub fn run(&self, root: &Node<'_>, type_name: &str, selection: &'a SelectionSet<'d, String>) -> Value {
        match self.object(root, type_name, &[selection]) {
            Ok(data) => json!({ "data": data }),
            Err(Failure {
                message,
                mut path,
                position,
            }) => {
                path.reverse();
                let place = json!({ "line": position.line, "column": position.column });
                json!({ "data": null, "errors": [{ "message": message, "locations": [place], "path": path }] })
            }
        }
    }

    fn object(
        &self,
        node: &Node<'_>,
        static_type: &str,
        selections: &[&'a SelectionSet<'d, String>],
    ) -> Result<Value, Failure> {
        let type_name = match node {
            Node::Lazy(object) => object.type_name(),
            Node::Json(value) => value
                .get("__typename")
                .and_then(Value::as_str)
                .unwrap_or(static_type)
                .to_owned(),
        };
        let (mut fields, mut spread) = (Vec::new(), BTreeSet::new());
        for selection in selections {
            self.collect(&type_name, selection, &mut spread, &mut fields);
        }
        let mut data = Map::new();
        for (response_name, same) in fields {
            let Some(field) = same.first() else { continue };
            let failure = |message| Failure {
                message,
                path: vec![json!(response_name)],
                position: field.position,
            };
            if field.name == "__typename" {
                data.insert(response_name.to_owned(), json!(type_name));
                continue;
            }
            let Some(definition) = self.schema.field(&type_name, &field.name) else {
                continue;
            };
            let arguments = arguments(self.schema, definition, field, &self.variables).map_err(failure)?;
            let value = match node {
                Node::Lazy(object) => object.field(&field.name, &arguments).map_err(failure)?,
                Node::Json(value) => Node::Json(value.get(&field.name).cloned().unwrap_or_default()),
            };
            let selections: Vec<_> = same.iter().map(|field| &field.selection_set).collect();
            let value = self.complete(value, &definition.field_type, &selections, field.position);
            let value = value.map_err(|mut failure| {
                failure.path.push(json!(response_name));
                failure
            })?;
            data.insert(response_name.to_owned(), value);
        }
        Ok(Value::Object(data))
    }

    fn complete(
        &self,
        node: Node<'_>,
        type_ref: &TypeRef,
        selections: &[&'a SelectionSet<'d, String>],
        position: graphql_parser::Pos,
    ) -> Result<Value, Failure> {
        match (type_ref, node) {
            (Type::NonNullType(inner), node) => match self.complete(node, inner, selections, position)? {
                Value::Null => Err(Failure {
                    message: format!("Cannot return null for non-nullable type {inner}."),
                    path: Vec::new(),
                    position,
                }),
                value => Ok(value),
            },
            (_, Node::Json(Value::Null)) => Ok(Value::Null),
            (Type::ListType(inner), Node::Json(Value::Array(items))) => {
                let items = items.into_iter().enumerate().map(|(index, item)| {
                    let value = self.complete(Node::Json(item), inner, selections, position);
                    value.map_err(|mut failure| {
                        failure.path.push(json!(index));
                        failure
                    })
                });
                items.collect()
            }
            (other, node) => match node {
                Node::Json(value) if self.schema.is_leaf(name_of(other)) => Ok(value),
                node => self.object(&node, name_of(other), selections),
            },
        }
    }

    fn collect(
        &self,
        type_name: &str,
        selection: &'a SelectionSet<'d, String>,
        spread: &mut BTreeSet<&'a str>,
        fields: &mut Fields<'a, 'd>,
    ) {
        for item in &selection.items {
            match item {
                Selection::Field(field) if self.is_included(&field.directives) => {
                    let name = field.alias.as_ref().unwrap_or(&field.name);
                    match fields.iter_mut().find(|(other, _)| other == name) {
                        Some((_, same)) => same.push(field),
                        None => fields.push((name, vec![field])),
                    }
                }
                Selection::InlineFragment(fragment)
                    if self.is_included(&fragment.directives)
                        && self.applies(type_name, fragment.type_condition.as_ref()) =>
                {
                    self.collect(type_name, &fragment.selection_set, spread, fields);
                }
                Selection::FragmentSpread(named)
                    if self.is_included(&named.directives) && spread.insert(&named.fragment_name) =>
                {
                    let fragment = self.fragments.iter().find(|it| it.name == named.fragment_name);
                    if let Some(fragment) = fragment.filter(|it| self.applies(type_name, Some(&it.type_condition))) {
                        self.collect(type_name, &fragment.selection_set, spread, fields);
                    }
                }
                _ => {}
            }
        }
    }

    fn applies(&self, type_name: &str, condition: Option<&TypeCondition<'d, String>>) -> bool {
        condition.is_none_or(|TypeCondition::On(name)| self.schema.possible_types(name).contains(&type_name))
    }

    fn is_included(&self, directives: &[Directive<'d, String>]) -> bool {
        directives.iter().all(|directive| {
            let condition = directive.arguments.iter().find(|(name, _)| name == "if");
            let condition = condition.is_some_and(|(_, value)| to_json(value, &self.variables) == true);
            condition == (directive.name == "include")
        })
    }
}
