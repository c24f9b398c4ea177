//! Translation of Python's regular expressions (`re`) to equivalent ones of Rust.
//!
//! The differences are: `$`, which accepts a trailing newline; `\w`, `\s` and `\b`; `\Z`; braces and class operators that are
//! plain characters in Python; and octal escapes. Patterns that Python rejects are rejected.

/// Letters, digits and the underscore as in Python (`str.isalnum`), without combining marks.
const WORD_CLASS: &str = r"\p{L}\p{N}_";
/// White space as in Python (`str.isspace`).
const SPACE_CLASS: &str = r"\p{White_Space}\x{1c}-\x{1f}";

/// Translates a pattern.
pub(super) fn translate(pattern: &str) -> Result<String, &'static str> {
    let flags = flags(pattern)?;
    let mut translator = Translator {
        rest: pattern,
        out: String::with_capacity(pattern.len() * 2),
        flags,
    };
    while let Some(c) = translator.next() {
        translator.outside(c)?;
    }
    Ok(translator.out)
}

#[derive(Clone, Copy)]
struct Flags {
    multiline: bool,
    dot_all: bool,
}

/// Returns the flags that are set anywhere in the pattern: `(?i)`, `(?ims-x:…)`. The engine handles their scopes.
fn flags(pattern: &str) -> Result<Flags, &'static str> {
    let mut flags = Flags {
        multiline: false,
        dot_all: false,
    };
    for (at, _) in pattern.match_indices("(?") {
        let rest = pattern.get(at + 2..).unwrap_or_default();
        let end = rest
            .find(|c: char| !c.is_ascii_alphabetic() && c != '-')
            .unwrap_or(rest.len());
        let (letters, rest) = rest.split_at(end);
        if letters.is_empty() || !rest.starts_with([')', ':']) {
            continue;
        }
        if pattern.get(..at).is_some_and(|before| before.ends_with('\\')) {
            continue;
        }
        if rest.starts_with(')') && !pattern.get(..at).is_some_and(only_flags) {
            return Err("flags for the whole pattern must be at its beginning");
        }
        if letters.contains(['a', 'L']) {
            return Err("the flags `a` and `L` are not supported");
        }
        flags.multiline |= letters.contains('m');
        flags.dot_all |= letters.contains('s');
    }
    Ok(flags)
}

/// Returns whether the text consists of groups of flags.
fn only_flags(text: &str) -> bool {
    text.split_inclusive(')')
        .all(|group| group.starts_with("(?") && group.ends_with(')') && !group.contains(':'))
}

struct Translator<'a> {
    rest: &'a str,
    out: String,
    flags: Flags,
}

enum Item {
    Char(char),
    Set(String),
}

impl Translator<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = self.rest.get(c.len_utf8()..).unwrap_or_default();
        Some(c)
    }

    fn emit(&mut self, part: std::fmt::Arguments<'_>) {
        use std::fmt::Write as _;
        // Writing to a `String` cannot fail.
        let _ = self.out.write_fmt(part);
    }

    fn take(&mut self, prefix: &str) -> bool {
        let rest = self.rest.strip_prefix(prefix);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn outside(&mut self, c: char) -> Result<(), &'static str> {
        match c {
            '\\' => self.escape()?,
            '[' => self.class()?,
            '.' if !self.flags.dot_all => self.out.push_str(r"[^\n]"),
            '$' if !self.flags.multiline => self.out.push_str(r"(?=\n?\z)"),
            '{' => self.brace(),
            '}' | ']' => self.literal(c),
            '(' if self.take("?#") => {
                let end = self.rest.find(')').ok_or("a comment is not terminated")?;
                self.rest = self.rest.get(end + 1..).unwrap_or_default();
            }
            '(' if self.rest.starts_with("?<") && !self.rest.starts_with("?<=") && !self.rest.starts_with("?<!") => {
                return Err("a named group must be written (?P<name>…)");
            }
            c => self.out.push(c),
        }
        Ok(())
    }

    fn escape(&mut self) -> Result<(), &'static str> {
        let c = self.next().ok_or("the pattern ends with a backslash")?;
        match c {
            'A' => self.out.push_str(r"\A"),
            'Z' => self.out.push_str(r"\z"),
            'b' => self.emit(format_args!(
                "(?:(?<=[{WORD_CLASS}])(?![{WORD_CLASS}])|(?<![{WORD_CLASS}])(?=[{WORD_CLASS}]))"
            )),
            'B' => self.emit(format_args!(
                "(?:(?<=[{WORD_CLASS}])(?=[{WORD_CLASS}])|(?<![{WORD_CLASS}])(?![{WORD_CLASS}]))"
            )),
            '1'..='9' if !self.octal(c) => {
                let second = self.rest.chars().next().filter(char::is_ascii_digit);
                let group: String = [c].into_iter().chain(second).collect();
                if second.is_some() {
                    self.next();
                }
                self.emit(format_args!(r"(?:\{group})"));
            }
            c => match self.item(c)? {
                Item::Char(c) => self.literal(c),
                Item::Set(set) => self.emit(format_args!("[{set}]")),
            },
        }
        Ok(())
    }

    /// Returns whether three octal digits follow the backslash, the first of which has been consumed.
    fn octal(&self, first: char) -> bool {
        first < '4' && self.rest.len() >= 2 && self.rest.bytes().take(2).all(|b| (b'0'..b'8').contains(&b))
    }

    /// Translates the escape of `c`, in a class or outside.
    fn item(&mut self, c: char) -> Result<Item, &'static str> {
        Ok(match c {
            'd' => Item::Set(r"\p{Nd}".to_owned()),
            'D' => Item::Set(r"\P{Nd}".to_owned()),
            'w' => Item::Set(WORD_CLASS.to_owned()),
            'W' => Item::Set(format!("[^{WORD_CLASS}]")),
            's' => Item::Set(SPACE_CLASS.to_owned()),
            'S' => Item::Set(format!("[^{SPACE_CLASS}]")),
            'n' => Item::Char('\n'),
            'r' => Item::Char('\r'),
            't' => Item::Char('\t'),
            'f' => Item::Char('\u{c}'),
            'v' => Item::Char('\u{b}'),
            'a' => Item::Char('\u{7}'),
            'x' => self.code(2)?,
            'u' => self.code(4)?,
            'U' => self.code(8)?,
            '0'..='7' => {
                let more = self
                    .rest
                    .bytes()
                    .take(2)
                    .take_while(|b| (b'0'..b'8').contains(b))
                    .count();
                let (digits, rest) = self.rest.split_at_checked(more).unwrap_or_default();
                let code = u32::from_str_radix(&format!("{c}{digits}"), 8).unwrap_or_default();
                self.rest = rest;
                Item::Char(
                    char::from_u32(code)
                        .filter(|_| code < 0o400)
                        .ok_or("an octal escape is too large")?,
                )
            }
            c if c.is_ascii_alphanumeric() => return Err("an escape is unknown"),
            c => Item::Char(c),
        })
    }

    fn code(&mut self, digits: usize) -> Result<Item, &'static str> {
        let (hex, rest) = self.rest.split_at_checked(digits).ok_or("an escape is too short")?;
        let code = if hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            u32::from_str_radix(hex, 16).ok()
        } else {
            None
        };
        self.rest = rest;
        Ok(Item::Char(
            code.and_then(char::from_u32)
                .ok_or("an escape does not name a character")?,
        ))
    }

    /// Translates `{`, which is a plain character unless it starts a repetition.
    fn brace(&mut self) {
        let bounds = self.rest.split_once('}').map(|(bounds, _)| bounds).unwrap_or_default();
        let (low, high) = bounds.split_once(',').unwrap_or((bounds, bounds));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if bounds.is_empty() || !digits(low) || !digits(high) || bounds == "," {
            self.literal('{');
        } else {
            let low = if low.is_empty() { "0" } else { low };
            let comma = if bounds.contains(',') { "," } else { "" };
            let high = if comma.is_empty() { "" } else { high };
            self.emit(format_args!("{{{low}{comma}{high}}}"));
            self.rest = self.rest.get(bounds.len() + 1..).unwrap_or_default();
        }
    }

    fn class(&mut self) -> Result<(), &'static str> {
        self.out.push('[');
        if self.take("^") {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let c = self.next().ok_or("a character class is not terminated")?;
            if c == ']' && !first {
                self.out.push(']');
                return Ok(());
            }
            first = false;
            let item = self.class_item(c)?;
            let range = self.rest.starts_with('-') && !self.rest.starts_with("-]");
            match item {
                Item::Set(_) if range && self.rest.len() > 1 => return Err("a range begins with a class"),
                Item::Set(set) => self.out.push_str(&set),
                Item::Char(low) if range => {
                    self.take("-");
                    let c = self.next().ok_or("a character class is not terminated")?;
                    let Item::Char(high) = self.class_item(c)? else {
                        return Err("a range ends with a class");
                    };
                    if high < low {
                        return Err("a range ends before it begins");
                    }
                    self.literal(low);
                    self.out.push('-');
                    self.literal(high);
                }
                Item::Char(c) => self.literal(c),
            }
        }
    }

    fn class_item(&mut self, c: char) -> Result<Item, &'static str> {
        match c {
            '\\' => match self.next().ok_or("the pattern ends with a backslash")? {
                'b' => Ok(Item::Char('\u{8}')),
                '8' | '9' => Err("an escape is unknown"),
                c => self.item(c),
            },
            c => Ok(Item::Char(c)),
        }
    }

    /// Appends a character that matches itself.
    fn literal(&mut self, c: char) {
        if c.is_alphanumeric() {
            self.out.push(c);
        } else {
            self.emit(format_args!(r"\x{{{:x}}}", u32::from(c)));
        }
    }
}
