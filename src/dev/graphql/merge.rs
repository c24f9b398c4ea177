//! Whether fields that have one name in a response can be merged.

use std::collections::BTreeSet;

use graphql_parser::query::{Field, Selection, SelectionSet, TypeCondition};

use super::Fragment;
use super::schema::{FieldDef, Schema, name_of};

/// A field with the type that it is selected on.
type Selected<'a, 'd> = (&'a str, &'a Field<'d, String>, &'a FieldDef);

/// Nesting of selections up to which conflicts are looked for.
const MAX_DEPTH: usize = 32;

/// Returns the first conflict of a selection.
pub(super) fn conflict<'d>(
    schema: &Schema,
    fragments: &[&Fragment<'d>],
    parent: &str,
    selection: &SelectionSet<'d, String>,
) -> Option<String> {
    let (name, reason) = find(schema, fragments, &[(parent, selection)], 0)?;
    Some(format!(
        "Fields '{name}' conflict because {reason}. Use different aliases on the fields to fetch both if this was intentional."
    ))
}

fn find<'a, 'd>(
    schema: &'a Schema,
    fragments: &[&'a Fragment<'d>],
    selections: &[(&'a str, &'a SelectionSet<'d, String>)],
    depth: usize,
) -> Option<(&'a str, String)> {
    if depth > MAX_DEPTH {
        return None;
    }
    let mut fields: Vec<(&str, Vec<Selected<'a, 'd>>)> = Vec::new();
    let mut spread = BTreeSet::new();
    for (parent, selection) in selections {
        collect(schema, fragments, parent, selection, &mut spread, &mut fields);
    }
    for (name, same) in fields {
        for (index, first) in same.iter().enumerate() {
            for second in same.iter().skip(index + 1) {
                if let Some(reason) = differ(schema, first, second) {
                    return Some((name, reason));
                }
            }
        }
        let inner: Vec<_> = same
            .iter()
            .map(|(_, field, definition)| (name_of(&definition.field_type), &field.selection_set))
            .collect();
        if let Some((inner, reason)) = find(schema, fragments, &inner, depth + 1) {
            let is_one_field = same.len() == 1;
            return Some(if is_one_field {
                (inner, reason)
            } else {
                (name, format!("subfields '{inner}' conflict because {reason}"))
            });
        }
    }
    None
}

fn differ<'d>(schema: &Schema, first: &Selected<'_, 'd>, second: &Selected<'_, 'd>) -> Option<String> {
    let ((parent, field, definition), (other_parent, other, other_definition)) = (first, second);
    // Two different object types are never those of one value.
    if parent == other_parent {
        if field.name != other.name {
            return Some(format!("'{}' and '{}' are different fields", field.name, other.name));
        }
        if field.arguments != other.arguments {
            return Some("they have differing arguments".to_owned());
        }
    }
    let (ours, theirs) = (&definition.field_type, &other_definition.field_type);
    let has_leaf = schema.is_leaf(name_of(ours)) || schema.is_leaf(name_of(theirs));
    (has_leaf && ours != theirs).then(|| format!("they return conflicting types '{ours}' and '{theirs}'"))
}

fn collect<'a, 'd>(
    schema: &'a Schema,
    fragments: &[&'a Fragment<'d>],
    parent: &'a str,
    selection: &'a SelectionSet<'d, String>,
    spread: &mut BTreeSet<&'a str>,
    fields: &mut Vec<(&'a str, Vec<Selected<'a, 'd>>)>,
) {
    for item in &selection.items {
        match item {
            Selection::Field(field) => {
                let Some(definition) = schema.field(parent, &field.name) else {
                    continue;
                };
                let name = field.alias.as_ref().unwrap_or(&field.name);
                let selected = (parent, field, definition);
                match fields.iter_mut().find(|(other, _)| other == name) {
                    Some((_, same)) => same.push(selected),
                    None => fields.push((name, vec![selected])),
                }
            }
            Selection::InlineFragment(fragment) => {
                let condition = fragment.type_condition.as_ref();
                let inner = condition.map_or(parent, |TypeCondition::On(name)| name);
                collect(schema, fragments, inner, &fragment.selection_set, spread, fields);
            }
            Selection::FragmentSpread(named) if spread.insert(&named.fragment_name) => {
                if let Some(fragment) = fragments.iter().find(|it| it.name == named.fragment_name) {
                    let TypeCondition::On(name) = &fragment.type_condition;
                    collect(schema, fragments, name, &fragment.selection_set, spread, fields);
                }
            }
            Selection::FragmentSpread(_) => {}
        }
    }
}
