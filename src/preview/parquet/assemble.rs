//! Record assembly: the triplets of a column's leaves as one JSON value, and the name of the column's type.

use super::column::{LeafRow, Triplet};
use super::schema::{Logical, Node, NodeKind, Physical, Role, Unit};
use crate::preview::cell::JsonText;

/// The triplets of a leaf in one value.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Triplets<'a> {
    triplets: &'a [Triplet],
    /// Whether more follow that were not kept.
    is_cut: bool,
}

impl<'a> Triplets<'a> {
    pub fn of(row: &'a LeafRow) -> Self {
        Self {
            triplets: &row.triplets,
            is_cut: row.is_cut,
        }
    }
}

/// Writes the value of a node. `leaves` has the triplets of its leaves, in their order. Where triplets were not kept, the text
/// stops.
pub(super) fn write(node: &Node, leaves: &[Triplets<'_>], out: &mut JsonText) {
    match node.repeated {
        // A repeated field that is no list by its annotation is a list too.
        Some(level) => write_elements(node, level, leaves, out, |leaves, out| write_value(node, leaves, out)),
        None if is_null(node, leaves) => out.push("null"),
        None => write_value(node, leaves, out),
    }
}

fn is_null(node: &Node, leaves: &[Triplets<'_>]) -> bool {
    let first = leaves.first().and_then(|leaf| leaf.triplets.first());
    first.is_none_or(|first| first.definition < node.definition)
}

/// Writes the elements of a repeated node.
fn write_elements(
    node: &Node,
    level: i16,
    leaves: &[Triplets<'_>],
    out: &mut JsonText,
    mut write: impl FnMut(&[Triplets<'_>], &mut JsonText),
) {
    out.push("[");
    if !is_null(node, leaves) {
        let mut elements: Vec<_> = leaves.iter().map(|leaf| Elements { rest: *leaf, level }).collect();
        let mut is_first = true;
        while !out.is_full() {
            // All leaves of a whole row have as many elements.
            let element: Option<Vec<Triplets<'_>>> = elements.iter_mut().map(Elements::next).collect();
            let Some(element) = element else { break };
            if !std::mem::take(&mut is_first) {
                out.push(",");
            }
            write(&element, out);
        }
        if leaves.iter().any(|leaf| leaf.is_cut) {
            out.stop();
        }
    }
    out.push("]");
}

/// Splits the triplets of a leaf where an element at this level begins.
struct Elements<'a> {
    rest: Triplets<'a>,
    level: i16,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Triplets<'a>;

    fn next(&mut self) -> Option<Triplets<'a>> {
        let Triplets { triplets, is_cut } = self.rest;
        let further = triplets.get(1..)?;
        let length = 1 + further
            .iter()
            .position(|triplet| triplet.repetition <= self.level)
            .unwrap_or(further.len());
        let (element, rest) = triplets.split_at_checked(length)?;
        self.rest.triplets = rest;
        Some(Triplets {
            triplets: element,
            is_cut: is_cut && rest.is_empty(),
        })
    }
}

fn write_value(node: &Node, leaves: &[Triplets<'_>], out: &mut JsonText) {
    match &node.kind {
        NodeKind::Leaf { .. } => {
            let first = leaves.first().and_then(|leaf| leaf.triplets.first());
            out.push(first.and_then(|first| first.json.as_deref()).unwrap_or("null"));
        }
        NodeKind::Group { children, role } => match (role, children.as_slice()) {
            (Role::Map, [entries]) => write_map(entries, leaves, out),
            (Role::List, [elements]) => write_list(elements, leaves, out),
            _ => write_struct(children, leaves, out),
        },
    }
}

fn write_struct(children: &[Node], leaves: &[Triplets<'_>], out: &mut JsonText) {
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
fn write_list(elements: &Node, leaves: &[Triplets<'_>], out: &mut JsonText) {
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

fn write_map(entries: &Node, leaves: &[Triplets<'_>], out: &mut JsonText) {
    let level = entries.repeated.unwrap_or_default();
    let NodeKind::Group { children, .. } = &entries.kind else {
        return;
    };
    let [key, value] = children.as_slice() else { return };
    if is_null(entries, leaves) {
        return out.push("{}");
    }
    // A key of another type is shown as text, because JSON's are. The values of a row that are kept are few.
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
        write(value, values, text);
    });
    let members = text.as_str().strip_prefix('[').unwrap_or_default();
    out.push("{");
    if text.is_full() {
        out.push(members);
        out.stop();
    } else {
        out.push(members.strip_suffix(']').unwrap_or(members));
        out.push("}");
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(name: &str, definition: i16, repeated: Option<i16>) -> Node {
        let kind = NodeKind::Leaf {
            leaf: 0,
            physical: Physical::Int32,
            logical: Logical::Plain,
            repetition: 1,
        };
        Node {
            name: name.to_owned(),
            definition,
            repeated,
            kind,
        }
    }

    fn group(role: Role, name: &str, (definition, repeated): (i16, Option<i16>), children: Vec<Node>) -> Node {
        Node {
            name: name.to_owned(),
            definition,
            repeated,
            kind: NodeKind::Group { children, role },
        }
    }

    fn row(definition: i16, values: &[&str], is_cut: bool) -> LeafRow {
        let triplet = |(place, value): (usize, &&str)| Triplet {
            repetition: i16::from(place > 0),
            definition,
            json: Some((*value).to_owned()),
        };
        LeafRow {
            triplets: values.iter().enumerate().map(triplet).collect(),
            is_cut,
        }
    }

    fn written(node: &Node, rows: &[LeafRow]) -> String {
        let leaves: Vec<Triplets<'_>> = rows.iter().map(Triplets::of).collect();
        let mut out = JsonText::new(1000);
        write(node, &leaves, &mut out);
        out.as_str().to_owned()
    }

    #[test]
    fn a_list_whose_values_were_not_kept_does_not_end() {
        let lists = vec![leaf("a", 1, Some(1)), leaf("b", 1, Some(1))];
        let node = group(Role::Struct, "s", (0, None), lists);
        let whole = [row(1, &["1", "2"], false), row(1, &["3"], false)];
        assert_eq!(written(&node, &whole), r#"{"a":[1,2],"b":[3]}"#);
        let cut = [row(1, &["1", "2"], true), row(1, &["3"], false)];
        assert_eq!(written(&node, &cut), r#"{"a":[1,2"#);
        let behind = [row(1, &["1", "2"], false), row(1, &["3"], true)];
        assert_eq!(written(&node, &behind), r#"{"a":[1,2],"b":[3"#);
    }

    #[test]
    fn a_map_shows_long_values_and_stops_where_values_were_not_kept() {
        let entries = group(
            Role::Struct,
            "entries",
            (1, Some(1)),
            vec![leaf("k", 1, None), leaf("v", 1, None)],
        );
        let node = group(Role::Map, "m", (0, None), vec![entries]);
        let long = format!("\"{}\"", "x".repeat(900));
        let keys = ["\"a\"", "\"b\""];
        let values = [long.as_str(), "2"];
        let whole = [row(1, &keys, false), row(1, &values, false)];
        assert_eq!(written(&node, &whole), format!("{{\"a\":{long},\"b\":2}}"));
        let cut = [row(1, &keys, true), row(1, &values, true)];
        assert_eq!(written(&node, &cut), format!("{{\"a\":{long},\"b\":2"));
        // Of an element, not all of its leaves were kept.
        let uneven = [row(1, &keys, true), row(1, &values[..1], true)];
        assert_eq!(written(&node, &uneven), format!("{{\"a\":{long}"));
    }
}
