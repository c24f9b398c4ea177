//! Types of values that have none: of cells of CSV by their letters, of JSON values by their first letter.

/// The type of a value, or of all values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inferred {
    /// No value.
    Empty,
    Integer,
    Number,
    Boolean,
    Date,
    Timestamp,
    Text,
    Array,
    Object,
    /// Values of several types.
    Mixed,
}

impl Inferred {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "null",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::Text => "string",
            Self::Array => "array",
            Self::Object => "object",
            Self::Mixed => "mixed",
        }
    }
}

/// Returns the type of a cell by its letters.
pub(super) fn of_text(cell: &str) -> Inferred {
    let cell = cell.trim();
    let digits = cell.strip_prefix(['-', '+']).unwrap_or(cell);
    let begins_as_number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if matches!(cell, "" | "NA" | "NaN" | "nan" | "NULL" | "null") {
        Inferred::Empty
    } else if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Inferred::Integer
    } else if begins_as_number && cell.parse::<f64>().is_ok() {
        Inferred::Number
    } else if ["true", "false"].iter().any(|word| word.eq_ignore_ascii_case(cell)) {
        Inferred::Boolean
    } else if cell.len() == 10 && cell.parse::<jiff::civil::Date>().is_ok() {
        Inferred::Date
    } else if is_time(cell) {
        Inferred::Timestamp
    } else {
        Inferred::Text
    }
}

fn is_time(cell: &str) -> bool {
    let begins_as_date = cell.len() > 10 && cell.len() < 40 && cell.starts_with(|c: char| c.is_ascii_digit());
    begins_as_date && (cell.parse::<jiff::Timestamp>().is_ok() || cell.parse::<jiff::civil::DateTime>().is_ok())
}

/// Returns the type of a JSON value by its text.
pub(super) fn of_json(json: &str) -> Inferred {
    match json.as_bytes().first() {
        None | Some(b'n') => Inferred::Empty,
        Some(b't' | b'f') => Inferred::Boolean,
        Some(b'"') => Inferred::Text,
        Some(b'[') => Inferred::Array,
        Some(b'{') => Inferred::Object,
        Some(_) if json.contains(['.', 'e', 'E']) => Inferred::Number,
        Some(_) => Inferred::Integer,
    }
}

/// Returns the type that all values have. Integers among numbers are numbers, and among strings of CSV everything is one.
pub(super) fn common(types: impl IntoIterator<Item = Inferred>) -> Inferred {
    use Inferred as I;
    types.into_iter().fold(I::Empty, |all, one| match (all, one) {
        (I::Empty, other) | (other, I::Empty) => other,
        (a, b) if a == b => a,
        (I::Integer | I::Number, I::Integer | I::Number) => I::Number,
        (I::Array | I::Object | I::Mixed, _) | (_, I::Array | I::Object | I::Mixed) => I::Mixed,
        (I::Date | I::Timestamp, I::Date | I::Timestamp) => I::Timestamp,
        _ => I::Text,
    })
}

/// As [`common`], for values whose own type is known: a string beside a number is of another type.
pub(super) fn common_json(types: impl IntoIterator<Item = Inferred>) -> Inferred {
    use Inferred as I;
    types.into_iter().fold(I::Empty, |all, one| match (all, one) {
        (I::Empty, other) | (other, I::Empty) => other,
        (a, b) if a == b => a,
        (I::Integer | I::Number, I::Integer | I::Number) => I::Number,
        _ => I::Mixed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_inferred_from_letters() {
        for (cell, expected) in [
            ("", "null"),
            ("NA", "null"),
            ("007", "integer"),
            ("-5", "integer"),
            ("1.50", "number"),
            ("1e400", "number"),
            ("True", "boolean"),
            ("2024-02-30", "string"),
            ("2024-02-29", "date"),
            ("2024-02-29T10:00:00Z", "timestamp"),
            ("2024-02-29 10:00:00", "timestamp"),
            ("infinity", "string"),
            ("chr1", "string"),
            ("-", "string"),
        ] {
            assert_eq!(of_text(cell).as_str(), expected, "{cell}");
        }
    }

    #[test]
    fn a_column_has_the_type_of_all_its_values() {
        use Inferred as I;
        assert_eq!(common([I::Integer, I::Empty, I::Number]), I::Number);
        assert_eq!(common([I::Integer, I::Text]), I::Text);
        assert_eq!(common_json([I::Integer, I::Text]), I::Mixed);
        assert_eq!(common([]), I::Empty);
    }
}
