//! Validation of a document against a schema.

use std::collections::{BTreeMap, BTreeSet};

use graphql_parser::Pos;
use graphql_parser::query::{
    Definition, Directive, Document, Field, OperationDefinition, Selection, SelectionSet, Type, TypeCondition,
    Value as Literal, VariableDefinition,
};
use serde_json::{Map, Value, json};

use super::schema::{FieldDef, InputDef, Kind, Schema, name_of};
use super::{Fragment, fragments, merge, values};

/// Returns the errors of a document, in the order in which they occur in it.
pub(super) fn validate(schema: &Schema, document: &Document<'_, String>) -> Vec<Value> {
    let mut errors = Errors::default();
    let fragments = fragments(document);
    let mut spread = BTreeSet::new();
    for definition in &document.definitions {
        let Definition::Operation(operation) = definition else {
            continue;
        };
        let unsupported = |kind| format!("The {kind} operation is not supported by the schema.");
        let (name, definitions, selection, root) = match operation {
            OperationDefinition::SelectionSet(selection) => (None, &[][..], selection, "Query"),
            OperationDefinition::Query(it) => (
                it.name.as_ref(),
                &it.variable_definitions[..],
                &it.selection_set,
                "Query",
            ),
            OperationDefinition::Mutation(it) if schema.kind("Mutation").is_some() => (
                it.name.as_ref(),
                &it.variable_definitions[..],
                &it.selection_set,
                "Mutation",
            ),
            OperationDefinition::Mutation(it) => {
                errors.add(unsupported("mutation"), it.position);
                continue;
            }
            OperationDefinition::Subscription(it) => {
                errors.add(unsupported("subscription"), it.position);
                continue;
            }
        };
        let mut operation = Operation {
            schema,
            fragments: &fragments,
            name: name.map(String::as_str),
            variables: definitions.iter().map(|it| (it.name.as_str(), it)).collect(),
            used: BTreeSet::new(),
            path: Vec::new(),
            spread: BTreeSet::new(),
            errors: Errors::default(),
        };
        operation.check_variables(definitions);
        operation.check_selection(Some(root), selection);
        operation.check_used(definitions);
        let Operation {
            errors: mut found,
            spread: named,
            ..
        } = operation;
        spread.extend(named);
        if let Some(conflict) = merge::conflict(schema, &fragments, root, selection) {
            found.add(conflict, selection.span.0);
        }
        errors.0.append(&mut found.0);
    }
    for fragment in fragments.iter().filter(|it| !spread.contains(it.name.as_str())) {
        errors.add(
            format!("Fragment '{}' is never used.", fragment.name),
            fragment.position,
        );
    }
    errors.0
}

#[derive(Default)]
struct Errors(Vec<Value>);

impl Errors {
    fn add(&mut self, message: String, position: Pos) {
        let place = json!({ "line": position.line, "column": position.column });
        self.0
            .push(json!({ "message": Value::String(message), "locations": [place] }));
    }
}

struct Operation<'a, 'd> {
    schema: &'a Schema,
    fragments: &'a [&'a Fragment<'d>],
    name: Option<&'a str>,
    variables: BTreeMap<&'a str, &'a VariableDefinition<'d, String>>,
    used: BTreeSet<&'a str>,
    /// The fragments within which the walk is.
    path: Vec<&'a str>,
    /// The fragments that the operation uses.
    spread: BTreeSet<&'a str>,
    errors: Errors,
}

impl<'a, 'd> Operation<'a, 'd> {
    fn check_variables(&mut self, definitions: &[VariableDefinition<'d, String>]) {
        for VariableDefinition {
            name,
            var_type,
            position,
            default_value,
        } in definitions
        {
            let type_name = name_of(var_type);
            if self.schema.kind(type_name).is_none() {
                self.errors.add(format!("Unknown type '{type_name}'."), *position);
            } else if !self.schema.is_input(type_name) {
                let message = format!("Variable '${name}' cannot be non-input type '{var_type}'.");
                self.errors.add(message, *position);
            } else if let Some(default) = default_value {
                self.check_literal(var_type, default, *position);
            }
        }
    }

    fn check_used(&mut self, definitions: &[VariableDefinition<'d, String>]) {
        let place = self
            .name
            .map(|name| format!(" in operation '{name}'"))
            .unwrap_or_default();
        for definition in definitions.iter().filter(|it| !self.used.contains(it.name.as_str())) {
            let message = format!("Variable '${}' is never used{place}.", definition.name);
            self.errors.add(message, definition.position);
        }
    }

    /// Checks a selection on a type, or on a type that is not known, in which only names of types and variables are checked.
    fn check_selection(&mut self, parent: Option<&str>, selection: &'a SelectionSet<'d, String>) {
        for item in &selection.items {
            match item {
                Selection::Field(field) => self.check_field(parent, field),
                Selection::InlineFragment(fragment) => {
                    self.check_directives(&fragment.directives);
                    let Some(TypeCondition::On(name)) = &fragment.type_condition else {
                        self.check_selection(parent, &fragment.selection_set);
                        continue;
                    };
                    let inner = self.check_condition("Fragment", parent, name, fragment.position);
                    self.check_selection(inner, &fragment.selection_set);
                }
                Selection::FragmentSpread(spread) => {
                    self.check_directives(&spread.directives);
                    let name = spread.fragment_name.as_str();
                    let Some(fragment) = self.fragments.iter().find(|it| it.name == name) else {
                        self.errors.add(format!("Unknown fragment '{name}'."), spread.position);
                        continue;
                    };
                    let is_new = self.spread.insert(&fragment.name);
                    if self.path.contains(&name) {
                        let message = format!("Cannot spread fragment '{name}' within itself.");
                        self.errors.add(message, spread.position);
                        continue;
                    }
                    let TypeCondition::On(condition) = &fragment.type_condition;
                    let inner = self.check_condition(&format!("Fragment '{name}'"), parent, condition, spread.position);
                    if is_new {
                        self.path.push(&fragment.name);
                        self.check_selection(inner, &fragment.selection_set);
                        self.path.pop();
                    }
                }
            }
        }
    }

    /// Checks whether a value of the parent's type may have the type of a fragment, and returns that type if it exists.
    fn check_condition<'c>(
        &mut self,
        fragment: &str,
        parent: Option<&str>,
        condition: &'c str,
        position: Pos,
    ) -> Option<&'c str> {
        if self.schema.kind(condition).is_none() {
            self.errors.add(format!("Unknown type '{condition}'."), position);
            return None;
        }
        let possible = self.schema.possible_types(condition);
        let overlaps = |parent: &str| {
            self.schema
                .possible_types(parent)
                .iter()
                .any(|name| possible.contains(name))
        };
        if let Some(parent) = parent.filter(|parent| !overlaps(parent)) {
            let message = format!(
                "{fragment} cannot be spread here as objects of type '{parent}' can never be of type '{condition}'."
            );
            self.errors.add(message, position);
        }
        Some(condition)
    }

    fn check_field(&mut self, parent: Option<&str>, field: &'a Field<'d, String>) {
        self.check_directives(&field.directives);
        let name = &field.name;
        if name == "__typename" {
            return;
        }
        let Some(parent) = parent else {
            return self.check_names(field);
        };
        let schema = self.schema;
        let Some(definition) = schema.field(parent, name) else {
            let holders: Vec<String> = schema
                .possible_types(parent)
                .into_iter()
                .filter(|other| *other != parent && schema.field(other, name).is_some())
                .map(|other| format!("'{other}'"))
                .collect();
            let hint = match holders.len() {
                0 => String::new(),
                _ => format!(" Did you mean to use an inline fragment on {}?", holders.join(" or ")),
            };
            let message = format!("Cannot query field '{name}' on type '{parent}'.{hint}");
            self.errors.add(message, field.position);
            return self.check_names(field);
        };
        self.check_arguments(parent, definition, field);
        let (field_type, type_name) = (&definition.field_type, name_of(&definition.field_type));
        let selects = !field.selection_set.items.is_empty();
        if schema.is_leaf(type_name) {
            if selects {
                let message =
                    format!("Field '{name}' must not have a selection since type '{field_type}' has no subfields.");
                self.errors.add(message, field.position);
            }
        } else if selects {
            self.check_selection(Some(type_name), &field.selection_set);
        } else {
            let message = format!(
                "Field '{name}' of type '{field_type}' must have a selection of subfields. Did you mean '{name} {{ ... }}'?"
            );
            self.errors.add(message, field.position);
        }
    }

    /// Checks the names of types and variables within a field of which nothing else is known.
    fn check_names(&mut self, field: &'a Field<'d, String>) {
        for (_, value) in &field.arguments {
            self.check_uses(value, None, field.position);
        }
        self.check_selection(None, &field.selection_set);
    }

    fn check_arguments(&mut self, parent: &str, definition: &FieldDef, field: &'a Field<'d, String>) {
        let mut names = BTreeSet::new();
        for (name, value) in &field.arguments {
            if !names.insert(name) {
                let message = format!("There can be only one argument named '{name}'.");
                self.errors.add(message, field.position);
            }
            match definition.arguments.iter().find(|input| input.name == *name) {
                None => {
                    let message = format!("Unknown argument '{name}' on field '{parent}.{}'.", field.name);
                    self.errors.add(message, field.position);
                    self.check_uses(value, None, field.position);
                }
                Some(input) => {
                    self.check_uses(value, Some(input), field.position);
                    self.check_literal(&input.value_type, value, field.position);
                }
            }
        }
        for input in &definition.arguments {
            let is_required = matches!(input.value_type, Type::NonNullType(_)) && input.default_value.is_none();
            if is_required && !names.contains(&input.name) {
                let message = format!(
                    "Argument '{parent}.{}({}:)' of type '{}' is required, but it was not provided.",
                    field.name, input.name, input.value_type
                );
                self.errors.add(message, field.position);
            }
        }
    }

    /// Checks the variables within a value. `input` is the argument or input field that the value is for, if it is known.
    fn check_uses(&mut self, value: &'a Literal<'d, String>, input: Option<&InputDef>, position: Pos) {
        match value {
            Literal::Variable(name) => {
                self.used.insert(name);
                let Some(definition) = self.variables.get(name.as_str()) else {
                    let place = self
                        .name
                        .map(|name| format!(" by operation '{name}'"))
                        .unwrap_or_default();
                    self.errors
                        .add(format!("Variable '${name}' is not defined{place}."), position);
                    return;
                };
                let has_default =
                    |value: &Option<Literal<'_, String>>| value.as_ref().is_some_and(|it| *it != Literal::Null);
                let Some(input) = input.filter(|_| self.schema.kind(name_of(&definition.var_type)).is_some()) else {
                    return;
                };
                let expected = match &input.value_type {
                    Type::NonNullType(inner)
                        if has_default(&definition.default_value) || has_default(&input.default_value) =>
                    {
                        inner
                    }
                    other => other,
                };
                if !accepts(expected, &definition.var_type) {
                    let message = format!(
                        "Variable '${name}' of type '{}' used in position expecting type '{}'.",
                        definition.var_type, input.value_type
                    );
                    self.errors.add(message, position);
                }
            }
            Literal::List(items) => items.iter().for_each(|item| self.check_uses(item, None, position)),
            Literal::Object(fields) => {
                let kind = input.and_then(|input| self.schema.kind(name_of(&input.value_type)));
                for (name, value) in fields {
                    let inner = match kind {
                        Some(Kind::Input(inputs)) => inputs.iter().find(|input| input.name == *name),
                        _ => None,
                    };
                    self.check_uses(value, inner, position);
                }
            }
            _ => {}
        }
    }

    /// Checks a literal without variables; the values of variables are checked when they are coerced.
    fn check_literal(&mut self, expected: &Type<'_, String>, value: &Literal<'d, String>, position: Pos) {
        if !has_variable(value) {
            let json = values::to_json(value, &Map::new());
            if let Err(mismatch) = values::coerce(self.schema, expected, &json, '"') {
                self.errors.add(mismatch.message, position);
            }
        }
    }

    fn check_directives(&mut self, directives: &'a [Directive<'d, String>]) {
        for directive in directives {
            if directive.name != "include" && directive.name != "skip" {
                let message = format!("Unknown directive '@{}'.", directive.name);
                self.errors.add(message, directive.position);
            }
            for (_, value) in &directive.arguments {
                self.check_uses(value, None, directive.position);
            }
        }
    }
}

fn has_variable(value: &Literal<'_, String>) -> bool {
    match value {
        Literal::Variable(_) => true,
        Literal::List(items) => items.iter().any(has_variable),
        Literal::Object(fields) => fields.values().any(has_variable),
        _ => false,
    }
}

/// Whether a position of a type takes a variable of another.
fn accepts(expected: &Type<'_, String>, variable: &Type<'_, String>) -> bool {
    match (expected, variable) {
        (Type::NonNullType(expected), Type::NonNullType(variable))
        | (Type::ListType(expected), Type::ListType(variable)) => accepts(expected, variable),
        (Type::NonNullType(_), _) => false,
        (expected, Type::NonNullType(variable)) => accepts(expected, variable),
        (Type::NamedType(expected), Type::NamedType(variable)) => expected == variable,
        _ => false,
    }
}
