//! The types of a schema, read from the schema definition language.

use std::collections::{BTreeMap, BTreeSet};

use graphql_parser::schema::{
    Definition, Field, InputValue, ParseError, Type, TypeDefinition, TypeExtension, parse_schema,
};

/// The type of a field, an argument or a variable.
pub type TypeRef = Type<'static, String>;
/// A field of an object type or an interface.
pub type FieldDef = Field<'static, String>;
/// An argument, or a field of an input type.
pub type InputDef = InputValue<'static, String>;

/// A named type.
#[derive(Debug)]
pub enum Kind {
    Scalar,
    Enum(BTreeSet<String>),
    Input(Vec<InputDef>),
    Object {
        fields: Vec<FieldDef>,
        interfaces: Vec<String>,
    },
    Interface(Vec<FieldDef>),
    Union(Vec<String>),
}

/// The types of a schema by their names.
#[derive(Debug)]
pub struct Schema(BTreeMap<String, Kind>);

impl Schema {
    /// Reads a schema from texts that define types and extend them.
    pub fn read(texts: &[&str]) -> Result<Self, ParseError> {
        let mut types: BTreeMap<String, Kind> = ["Boolean", "Float", "ID", "Int", "String"]
            .map(|name| (name.to_owned(), Kind::Scalar))
            .into();
        let document = parse_schema::<String>(&texts.concat())?.into_static();
        let mut extensions = Vec::new();
        for definition in document.definitions {
            match definition {
                Definition::TypeDefinition(definition) => {
                    let (name, kind) = named(definition);
                    types.insert(name, kind);
                }
                Definition::TypeExtension(extension) => extensions.push(extension),
                Definition::SchemaDefinition(_) | Definition::DirectiveDefinition(_) => {}
            }
        }
        for extension in extensions {
            extend(&mut types, extension);
        }
        Ok(Self(types))
    }

    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.0.get(name)
    }

    /// Returns the field of a type, if the type has fields and one of this name.
    pub fn field(&self, type_name: &str, field: &str) -> Option<&FieldDef> {
        let (Kind::Object { fields, .. } | Kind::Interface(fields)) = self.kind(type_name)? else {
            return None;
        };
        fields.iter().find(|candidate| candidate.name == field)
    }

    /// Returns whether values of the type have no selection.
    pub fn is_leaf(&self, name: &str) -> bool {
        matches!(self.kind(name), Some(Kind::Scalar | Kind::Enum(_)))
    }

    /// Returns whether the type may be that of a variable.
    pub fn is_input(&self, name: &str) -> bool {
        self.is_leaf(name) || matches!(self.kind(name), Some(Kind::Input(_)))
    }

    /// Returns the object types whose values may have this type.
    pub fn possible_types(&self, name: &str) -> Vec<&str> {
        match self.kind(name) {
            Some(Kind::Union(members)) => members.iter().map(String::as_str).collect(),
            Some(Kind::Interface(_)) => {
                let implements = |kind: &Kind| matches!(kind, Kind::Object { interfaces, .. } if interfaces.iter().any(|other| other == name));
                let found = self.0.iter().filter(|(_, kind)| implements(kind));
                found.map(|(name, _)| name.as_str()).collect()
            }
            Some(Kind::Object { .. }) => self
                .0
                .get_key_value(name)
                .map(|(name, _)| name.as_str())
                .into_iter()
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// Returns the name within lists and non-null types.
pub fn name_of<'a>(type_ref: &'a Type<'_, String>) -> &'a str {
    match type_ref {
        Type::NamedType(name) => name,
        Type::ListType(inner) | Type::NonNullType(inner) => name_of(inner),
    }
}

fn named(definition: TypeDefinition<'static, String>) -> (String, Kind) {
    match definition {
        TypeDefinition::Scalar(scalar) => (scalar.name, Kind::Scalar),
        TypeDefinition::Enum(it) => (
            it.name,
            Kind::Enum(it.values.into_iter().map(|value| value.name).collect()),
        ),
        TypeDefinition::InputObject(input) => (input.name, Kind::Input(input.fields)),
        TypeDefinition::Interface(interface) => (interface.name, Kind::Interface(interface.fields)),
        TypeDefinition::Union(union) => (union.name, Kind::Union(union.types)),
        TypeDefinition::Object(object) => {
            let kind = Kind::Object {
                fields: object.fields,
                interfaces: object.implements_interfaces,
            };
            (object.name, kind)
        }
    }
}

fn extend(types: &mut BTreeMap<String, Kind>, extension: TypeExtension<'static, String>) {
    match extension {
        TypeExtension::Object(more) => {
            if let Some(Kind::Object { fields, .. }) = types.get_mut(&more.name) {
                fields.extend(more.fields);
            }
        }
        TypeExtension::Interface(more) => {
            if let Some(Kind::Interface(fields)) = types.get_mut(&more.name) {
                fields.extend(more.fields);
            }
        }
        TypeExtension::Union(more) => {
            if let Some(Kind::Union(members)) = types.get_mut(&more.name) {
                members.extend(more.types);
            }
        }
        TypeExtension::Enum(more) => {
            if let Some(Kind::Enum(values)) = types.get_mut(&more.name) {
                values.extend(more.values.into_iter().map(|value| value.name));
            }
        }
        TypeExtension::Scalar(_) | TypeExtension::InputObject(_) => {}
    }
}
