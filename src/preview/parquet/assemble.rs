//! Record assembly: the triplets of a column's leaves as one JSON value, and the name of the column's type.

use super::column::Triplet;
use super::schema::{Logical, Node, NodeKind, Physical, Role, Unit};
use crate::preview::cell::JsonText;

/// Writes the value of a node. `leaves` has the triplets of its leaves, in their order.
pub(super) fn write(node: &Node, leaves: &[&[Triplet]], out: &mut JsonText) {
    match node.repeated {
        // A repeated field that is no list by its annotation is a list too.
        Some(level) => write_elements(node, level, leaves, out, |leaves, out| write_value(node, leaves, out)),
        None if is_null(node, leaves) => out.push("null"),
        None => write_value(node, leaves, out),
    }
}

fn is_null(node: &Node, leaves: &[&[Triplet]]) -> bool {
    let first = leaves.first().and_then(|triplets| triplets.first());
    first.is_none_or(|first| first.definition < node.definition)
}

/// Writes the elements of a repeated node.
fn write_elements(
    node: &Node,
    level: i16,
    leaves: &[&[Triplet]],
    out: &mut JsonText,
    mut write: impl FnMut(&[&[Triplet]], &mut JsonText),
) {
    out.push("[");
    if !is_null(node, leaves) {
        let mut elements: Vec<_> = leaves
            .iter()
            .map(|triplets| Elements { rest: triplets, level })
            .collect();
        let mut is_first = true;
        while !out.is_full() {
            let element: Vec<&[Triplet]> = elements
                .iter_mut()
                .map(|leaf| leaf.next().unwrap_or_default())
                .collect();
            if element.first().is_none_or(|first| first.is_empty()) {
                break;
            }
            if !std::mem::take(&mut is_first) {
                out.push(",");
            }
            write(&element, out);
        }
    }
    out.push("]");
}

/// Splits the triplets of a leaf where an element at this level begins.
struct Elements<'a> {
    rest: &'a [Triplet],
    level: i16,
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [Triplet];

    fn next(&mut self) -> Option<&'a [Triplet]> {
        let further = self.rest.get(1..)?;
        let length = 1 + further
            .iter()
            .position(|triplet| triplet.repetition <= self.level)
            .unwrap_or(further.len());
        let (element, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(element)
    }
}

fn write_value(node: &Node, leaves: &[&[Triplet]], out: &mut JsonText) {
    match &node.kind {
        NodeKind::Leaf { .. } => {
            let first = leaves.first().and_then(|triplets| triplets.first());
            out.push(first.and_then(|first| first.json.as_deref()).unwrap_or("null"));
        }
        NodeKind::Group { children, role } => match (role, children.as_slice()) {
            (Role::Map, [entries]) => write_map(entries, leaves, out),
            (Role::List, [elements]) => write_list(elements, leaves, out),
            _ => write_struct(children, leaves, out),
        },
    }
}

fn write_struct(children: &[Node], leaves: &[&[Triplet]], out: &mut JsonText) {
    out.push("{");
    let mut rest = leaves;
    for (index, child) in children.iter().enumerate() {
        let (own, others) = rest.split_at_checked(leaf_count(child)).unwrap_or((rest, &[]));
        rest = others;
        if index > 0 {
            out.push(",");
        }
        out.push_string(&child.name);
        out.push(":");
        write(child, own, out);
    }
    out.push("}");
}

/// Writes a list. The repeated child is the element itself in files of older writers, else it has the element as its child.
fn write_list(elements: &Node, leaves: &[&[Triplet]], out: &mut JsonText) {
    let level = elements.repeated.unwrap_or_default();
    write_elements(elements, level, leaves, out, |leaves, out| match element_of(elements) {
        Some(element) => write(element, leaves, out),
        None => write_value(elements, leaves, out),
    });
}

/// Returns the element inside the repeated child of a list, by the rules of the format for older writers.
fn element_of(repeated: &Node) -> Option<&Node> {
    match &repeated.kind {
        NodeKind::Group {
            children,
            role: Role::Struct,
        } if repeated.name != "array" && !repeated.name.ends_with("_tuple") => match children.as_slice() {
            [only] => Some(only),
            _ => None,
        },
        _ => None,
    }
}

fn write_map(entries: &Node, leaves: &[&[Triplet]], out: &mut JsonText) {
    let level = entries.repeated.unwrap_or_default();
    let NodeKind::Group { children, .. } = &entries.kind else {
        return;
    };
    let [key, value] = children.as_slice() else { return };
    if is_null(entries, leaves) {
        return out.push("{}");
    }
    // A key of another type is shown as text, because JSON's are.
    let mut text = JsonText::new(usize::MAX - 1);
    write_elements(entries, level, leaves, &mut text, |leaves, text| {
        let (keys, values) = leaves.split_at_checked(leaf_count(key)).unwrap_or((leaves, &[]));
        let mut name = JsonText::new(1000);
        write(key, keys, &mut name);
        match name.as_str() {
            name if name.starts_with('"') => text.push(name),
            name => text.push_string(name),
        }
        text.push(":");
        let mut json = JsonText::new(1000);
        write(value, values, &mut json);
        text.push(json.as_str());
    });
    let members = text.as_str().strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    out.push("{");
    out.push(members.unwrap_or_default());
    out.push("}");
}

/// Returns the number of leaves below a node.
pub(super) fn leaf_count(node: &Node) -> usize {
    match &node.kind {
        NodeKind::Leaf { .. } => 1,
        NodeKind::Group { children, .. } => children.iter().map(leaf_count).sum(),
    }
}

/// Returns the name of a node's type.
pub(super) fn type_name(node: &Node) -> String {
    let inner = match &node.kind {
        NodeKind::Leaf { physical, logical, .. } => leaf_type_name(*physical, *logical),
        NodeKind::Group { children, role } => match (role, children.as_slice()) {
            (Role::Map, [entries]) => match &entries.kind {
                NodeKind::Group { children, .. } => {
                    let types: Vec<String> = children.iter().map(type_name).collect();
                    format!("map<{}>", types.join(", "))
                }
                NodeKind::Leaf { .. } => "map".to_owned(),
            },
            (Role::List, [elements]) => match element_of(elements) {
                Some(element) => format!("list<{}>", type_name(element)),
                None => return type_name(elements),
            },
            _ => {
                let field = |child: &Node| format!("{}: {}", child.name, type_name(child));
                let fields: Vec<String> = children.iter().map(field).collect();
                format!("struct<{}>", fields.join(", "))
            }
        },
    };
    match node.repeated {
        Some(_) => format!("list<{inner}>"),
        None => inner,
    }
}

fn leaf_type_name(physical: Physical, logical: Logical) -> String {
    let unit = |unit: Unit| match unit {
        Unit::Millis => "ms",
        Unit::Micros => "us",
        Unit::Nanos => "ns",
    };
    let name = match logical {
        Logical::Plain => match physical {
            Physical::Boolean => "boolean",
            Physical::Int32 => "int32",
            Physical::Int64 => "int64",
            Physical::Int96 => "timestamp(ns, UTC)",
            Physical::Float => "float",
            Physical::Double => "double",
            Physical::Bytes => "binary",
            Physical::Fixed(length) => return format!("binary({length})"),
        },
        Logical::String => "string",
        Logical::Enum => "enum",
        Logical::Json => "json",
        Logical::Bson => "bson",
        Logical::Uuid => "uuid",
        Logical::Date => "date",
        Logical::Interval => "interval",
        Logical::Float16 => "float16",
        Logical::Null => "null",
        Logical::Time(of) => return format!("time({})", unit(of)),
        Logical::Timestamp(of, true) => return format!("timestamp({}, UTC)", unit(of)),
        Logical::Timestamp(of, false) => return format!("timestamp({})", unit(of)),
        Logical::Decimal { precision, scale } => return format!("decimal({precision},{scale})"),
        Logical::Integer { bits, is_signed } => {
            return format!("{}int{bits}", if is_signed { "" } else { "u" });
        }
    };
    name.to_owned()
}
