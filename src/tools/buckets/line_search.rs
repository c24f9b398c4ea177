//! Search of text for lines, in bounded memory: the text is passed piece by piece, and of long lines only a window is kept.

use std::collections::VecDeque;

use memchr::memmem::Finder;
use regex::bytes::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::Serialize;

use super::content::TextEncoding;
use crate::tools::ToolError;

/// Maximum bytes of a line that are in memory at once. Of a longer line, pieces of this length are searched one after another.
const WINDOW_BYTES: usize = 128 * 1024;
/// Bytes of a piece that are searched again with the next one. A match that is longer may be missed at the border.
const OVERLAP_BYTES: usize = 4 * 1024;
/// Maximum length of a line that is shown, in characters.
pub(super) const SHOWN_CHARS: usize = 500;
/// Characters before a match that are shown of a longer line.
const LEAD_CHARS: usize = 100;
/// Maximum length of what is searched for, in bytes.
const MAX_PATTERN_BYTES: usize = 1024;
/// Maximum memory of a compiled regular expression and of its cache, in bytes.
const MAX_REGEX_BYTES: usize = 64 * 1024;

/// Bytes of a window before which a match does not begin: they tell what stands before it.
const MAX_LEAD_BYTES: usize = 4;
const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";

/// What is searched for.
#[derive(Debug)]
pub(super) enum Pattern {
    Text(Box<Finder<'static>>),
    Regex(Regex),
}

impl Pattern {
    /// Parses a text, or a regular expression between slashes, with `i` behind it to ignore case.
    pub fn parse(find: &str) -> Result<Self, ToolError> {
        let invalid = |problem: &str| ToolError::invalid(format!("Argument find: {problem}."));
        if find.len() > MAX_PATTERN_BYTES {
            return Err(invalid("longer than 1024 bytes"));
        }
        if find.contains('\n') {
            return Err(invalid("it has a line break, and lines are searched one by one"));
        }
        let inner = find.strip_prefix('/').filter(|rest| rest.len() > 1);
        let regex = inner.and_then(|rest| match rest.strip_suffix("/i") {
            Some(regex) => Some((regex, true)),
            None => Some((rest.strip_suffix('/')?, false)),
        });
        let Some((regex, ignore_case)) = regex.filter(|(regex, _)| !regex.is_empty()) else {
            return Ok(Self::Text(Box::new(Finder::new(find.as_bytes()).into_owned())));
        };
        let built = RegexBuilder::new(regex)
            .case_insensitive(ignore_case)
            .size_limit(MAX_REGEX_BYTES)
            .dfa_size_limit(16 * MAX_REGEX_BYTES)
            .build();
        built.map(Self::Regex).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => invalid("the regular expression is too large"),
            error => {
                // The last line of the parser's message says what is wrong; those before draw where.
                let text = error.to_string();
                let problem = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
                invalid(&format!("no regular expression of Rust's crate regex: {problem}"))
            }
        })
    }

    /// Returns where the pattern matches first. The first `lead` bytes of a line, and its end unless it `is_whole`, were searched
    /// before or are searched again: they only tell what stands beside a match.
    fn find(&self, line: &[u8], lead: usize, is_whole: bool) -> Option<usize> {
        match self {
            Self::Text(finder) => finder.find(line),
            Self::Regex(regex) => regex
                .find_at(line, lead.min(line.len()))
                .filter(|found| is_whole || found.end() < line.len())
                .map(|found| found.start()),
        }
    }
}

/// A line that matches.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Match {
    /// From 1, counted from offset.
    line: u64,
    /// Where text begins in the object.
    byte_offset: u64,
    /// The line, or of a long line its part around the match.
    text: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    before: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    after: Vec<String>,
}

/// A search under way.
pub(super) struct LineSearch {
    pattern: Pattern,
    encoding: TextEncoding,
    max_matches: usize,
    context: usize,
    /// The beginning of a line whose end has not come, or its last window.
    pending: Vec<u8>,
    /// Where `pending` begins in the text.
    pending_at: u64,
    /// Where the line of `pending` begins.
    line_at: u64,
    /// Whether the line of `pending` has matched already.
    has_matched: bool,
    /// The beginning of a line that is longer than a window.
    long_start: Option<String>,
    /// Lines before the current one.
    before: VecDeque<String>,
    /// The found lines, at most `max_matches`.
    pub matches: Vec<Match>,
    /// Count of all lines that match.
    pub match_count: u64,
    /// Count of the lines that were searched to their end.
    pub lines: u64,
}

impl LineSearch {
    /// Begins a search at `offset` of a text.
    pub fn new(pattern: Pattern, encoding: TextEncoding, offset: u64, max_matches: usize, context: usize) -> Self {
        Self {
            pattern,
            encoding,
            max_matches,
            context,
            pending: Vec::new(),
            pending_at: offset,
            line_at: offset,
            has_matched: false,
            long_start: None,
            before: VecDeque::new(),
            matches: Vec::new(),
            match_count: 0,
            lines: 0,
        }
    }

    /// Returns where to go on: at the line whose end has not come, or inside of it where it is long.
    pub fn next_at(&self) -> u64 {
        if self.long_start.is_some() {
            self.pending_at
        } else {
            self.line_at
        }
    }

    /// Searches the next bytes of the text.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let free = WINDOW_BYTES.saturating_sub(self.pending.len()).max(1);
            let (piece, _) = bytes.split_at(free.min(bytes.len()));
            let searched = self.pending.len().saturating_sub(1);
            self.pending.extend_from_slice(piece);
            let taken = match self.line_end(searched) {
                // The bytes behind the line stay in `bytes`.
                Some(end) => {
                    let taken = piece.len() - (self.pending.len() - end);
                    self.pending.truncate(end);
                    self.end_line();
                    taken
                }
                None => piece.len(),
            };
            bytes = bytes.get(taken..).unwrap_or_default();
            if self.pending.len() >= WINDOW_BYTES {
                self.slide_window();
            }
        }
    }

    /// Searches the last line, which has no line break.
    pub fn finish(&mut self) {
        if !self.pending.is_empty() || self.line_at < self.pending_at {
            self.end_line();
        }
    }

    /// Returns the end of the line in `pending`, behind its line break, which is not before `from`.
    fn line_end(&self, from: usize) -> Option<usize> {
        let (width, place) = match self.encoding {
            TextEncoding::Other(encoding) if encoding == encoding_rs::UTF_16LE => (2, 0),
            TextEncoding::Other(encoding) if encoding == encoding_rs::UTF_16BE => (2, 1),
            _ => (1, 0),
        };
        let text = self.pending.get(from..)?;
        memchr::memchr_iter(b'\n', text).find_map(|at| {
            let unit = (from + at).checked_sub(place)?;
            let is_break = width == 1
                || (self.pending_at + unit as u64).is_multiple_of(2) && self.pending.get(unit + 1 - place) == Some(&0);
            let end = unit + width;
            (is_break && end <= self.pending.len()).then_some(end)
        })
    }

    /// Searches a window of a line that is longer, and keeps what the next window needs.
    fn slide_window(&mut self) {
        if self.long_start.is_none() {
            self.long_start = Some(self.shown(0, SHOWN_CHARS));
        }
        self.search_pending(false);
        let kept_from = (self.pending.len() - OVERLAP_BYTES) & !3;
        self.pending.drain(..kept_from);
        self.pending_at += kept_from as u64;
    }

    fn end_line(&mut self) {
        self.search_pending(true);
        let line = match self.long_start.take() {
            Some(start) => start,
            None => self.shown(0, SHOWN_CHARS),
        };
        let lines = self.lines + 1;
        // The lines of a match are followed by others in the same order, so the last matches are those that still wait.
        for found in self.matches.iter_mut().rev() {
            let is_after = found.line < lines && lines - found.line <= self.context as u64;
            if is_after {
                found.after.push(line.clone());
            } else if found.line < lines {
                break;
            }
        }
        self.before.push_back(line);
        if self.before.len() > self.context {
            self.before.pop_front();
        }
        self.lines = lines;
        self.pending_at += self.pending.len() as u64;
        self.line_at = self.pending_at;
        self.pending.clear();
        self.has_matched = false;
    }

    fn search_pending(&mut self, is_whole: bool) {
        if self.has_matched {
            return;
        }
        let mark = if self.pending_at == 0 && self.encoding.is_utf8() && self.pending.starts_with(UTF_8_MARK) {
            UTF_8_MARK.len()
        } else {
            0
        };
        let lead = if self.pending_at > self.line_at {
            MAX_LEAD_BYTES
        } else {
            0
        };
        let line = without_break(self.pending.get(mark..).unwrap_or_default());
        let found = match self.encoding {
            encoding if encoding.is_utf8() => self.pattern.find(line, lead, is_whole).map(|at| mark + at),
            encoding => {
                let text = encoding.decode_lossy(&self.pending);
                let marked = self.pending_at == 0 && text.starts_with('\u{feff}');
                let mark = if marked { UTF_8_MARK.len() } else { 0 };
                let line = without_break(text.get(mark..).unwrap_or_default().as_bytes());
                let found = self.pattern.find(line, lead, is_whole);
                found.map(|at| encoding.encoded_len(text.get(..mark + at).unwrap_or_default()))
            }
        };
        let Some(at) = found else {
            return;
        };
        self.has_matched = true;
        self.match_count += 1;
        if self.matches.len() >= self.max_matches {
            return;
        }
        let is_short =
            self.pending_at == self.line_at && self.encoding.decode_lossy(line).chars().count() <= SHOWN_CHARS;
        let begin = if is_short { 0 } else { self.before_match(at) };
        self.matches.push(Match {
            line: self.lines + 1,
            byte_offset: self.pending_at + begin as u64,
            text: self.shown(begin, SHOWN_CHARS),
            before: self.before.iter().cloned().collect(),
            after: Vec::new(),
        });
    }

    /// Returns where to begin to show a long line that matches at `at`: some characters before, and not inside of one.
    fn before_match(&self, at: usize) -> usize {
        let mut begin = at.saturating_sub(LEAD_CHARS) & !1;
        if self.encoding.is_utf8() {
            let is_inside = |begin: usize| {
                self.pending
                    .get(begin)
                    .is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000)
            };
            while is_inside(begin) {
                begin += 1;
            }
        }
        begin
    }

    /// Returns at most `max` characters of `pending` from `begin` on, without the line break.
    fn shown(&self, begin: usize, max: usize) -> String {
        let bytes = self.pending.get(begin..).unwrap_or_default();
        let bytes = bytes.get(..max * 4).unwrap_or(bytes);
        let text = self.encoding.decode_lossy(bytes);
        let line = text.trim_end_matches(['\n', '\r']);
        let line = line
            .strip_prefix('\u{feff}')
            .filter(|_| self.pending_at == 0)
            .unwrap_or(line);
        line.chars().take(max).collect()
    }
}

fn without_break(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
