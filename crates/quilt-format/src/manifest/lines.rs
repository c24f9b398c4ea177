//! Splitting of a byte stream into lines, as in Python's text files: at `\n`, `\r\n` and `\r`.

use super::ManifestError;

/// The bytes that were pushed and not yet returned as lines. An incomplete line is never longer than the limit.
#[derive(Debug)]
pub(super) struct Lines {
    buffer: Vec<u8>,
    /// The number of bytes before those in the buffer.
    before: u64,
    /// The start of the next line in the buffer.
    start: usize,
    /// The position up to which the next line was searched for its end.
    searched: usize,
    limit: usize,
    number: u64,
    after_return: bool,
    ended: bool,
}

impl Lines {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            before: 0,
            start: 0,
            searched: 0,
            limit,
            number: 0,
            after_return: false,
            ended: false,
        }
    }

    /// Continues after line `number`, at the [`offset`](Self::offset) that was returned there. No line may be empty.
    pub(super) fn resuming(limit: usize, number: u64, offset: u64) -> Self {
        Self {
            before: offset,
            number,
            after_return: true,
            ..Self::new(limit)
        }
    }

    /// Returns the offset of the next line from the start of the stream. After a line that ends in `\r\n`, it may be the
    /// offset of the `\n`.
    pub(super) fn offset(&self) -> u64 {
        self.before + self.start as u64
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start.min(self.buffer.len()));
        self.before += self.start as u64;
        self.searched -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// Returns the number of the next line and the buffered bytes from its start, at most as many as a line and its end may
    /// have.
    pub(super) fn rest(&self) -> Option<(u64, &[u8])> {
        let end = self.buffer.len().min(self.start + self.limit + 1);
        let rest = if self.after_return {
            None
        } else {
            self.buffer.get(self.start..end)
        };
        rest.map(|rest| (self.number + 1, rest))
    }

    /// Consumes the line that has this length in [`rest`](Self::rest) and is followed by a newline.
    pub(super) fn take(&mut self, length: usize) {
        debug_assert_eq!(self.buffer.get(self.start + length), Some(&b'\n'));
        self.start += length + 1;
        self.searched = self.searched.max(self.start);
        self.number += 1;
    }

    /// Returns the next line without its end, and its number. Returns `None` until more bytes are pushed, and at the end.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &[u8])>, ManifestError> {
        if self.after_return && self.start < self.buffer.len() {
            self.after_return = false;
            if self.buffer.get(self.start) == Some(&b'\n') {
                self.start += 1;
                self.searched = self.searched.max(self.start);
            }
        }
        let unsearched = self.buffer.get(self.searched..).unwrap_or_default();
        let (end, next) = match memchr::memchr2(b'\n', b'\r', unsearched) {
            Some(length) => {
                let end = self.searched + length;
                self.after_return = self.buffer.get(end) == Some(&b'\r');
                (end, end + 1)
            }
            None if self.ended && self.start < self.buffer.len() => (self.buffer.len(), self.buffer.len()),
            None => {
                self.searched = self.buffer.len();
                return if self.searched - self.start > self.limit {
                    Err(self.too_large())
                } else {
                    Ok(None)
                };
            }
        };
        if end - self.start > self.limit {
            return Err(self.too_large());
        }
        let line = self.start..end;
        self.start = next;
        self.searched = next;
        self.number += 1;
        Ok(Some((self.number, self.buffer.get(line).unwrap_or_default())))
    }

    fn too_large(&self) -> ManifestError {
        ManifestError::RecordTooLarge {
            line: self.number + 1,
            limit: self.limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(pieces: &[&[u8]], limit: usize) -> Result<Vec<String>, ManifestError> {
        let mut lines = Lines::new(limit);
        let mut out = Vec::new();
        for piece in pieces.iter().copied().map(Some).chain([None]) {
            match piece {
                Some(piece) => lines.push(piece),
                None => lines.end(),
            }
            while let Some((number, line)) = lines.next()? {
                out.push(String::from_utf8(line.to_vec()).unwrap());
                assert_eq!(number, out.len() as u64);
            }
        }
        Ok(out)
    }

    #[test]
    fn a_line_may_have_as_many_bytes_as_the_limit_says() {
        assert_eq!(split(&[b"abc\nabc"], 3).unwrap(), ["abc", "abc"]);
        assert_eq!(
            split(&[b"abc\nabcd\n"], 3),
            Err(ManifestError::RecordTooLarge { line: 2, limit: 3 })
        );
        assert_eq!(
            split(&[b"ab", b"cd"], 3),
            Err(ManifestError::RecordTooLarge { line: 1, limit: 3 })
        );
    }

    proptest! {
        #[test]
        fn lines_may_be_taken_from_the_rest(
            text in "(a{0,3}(\n|\r|\r\n)){0,6}a?", cut in 0usize..20, limit in 1usize..4, ways in any::<u16>(),
        ) {
            let read = |ways: u16| {
                let mut lines = Lines::new(limit);
                let mut out = Vec::new();
                let mut ways = ways;
                let (left, right) = text.as_bytes().split_at(cut.min(text.len()));
                for piece in [Some(left), Some(right), None] {
                    match piece {
                        Some(piece) => lines.push(piece),
                        None => lines.end(),
                    }
                    loop {
                        ways = ways.rotate_right(1);
                        let plain = lines.rest().filter(|_| ways & 1 == 1).and_then(|(number, rest)| {
                            let length = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
                            (rest[length] == b'\n').then(|| (number, rest[..length].to_vec()))
                        });
                        if let Some((number, line)) = plain {
                            lines.take(line.len());
                            out.push((number, line));
                        } else {
                            match lines.next() {
                                Ok(Some((number, line))) => out.push((number, line.to_vec())),
                                Ok(None) => break,
                                Err(error) => return (out, Some(error)),
                            }
                        }
                    }
                }
                (out, None)
            };
            prop_assert_eq!(read(ways), read(0));
        }

        #[test]
        fn a_reader_that_resumes_reads_what_is_left(text in "(a{1,3}(\n|\r|\r\n)){0,6}", read in 0usize..20) {
            let mut lines = Lines::new(100);
            lines.push(text.as_bytes());
            lines.end();
            for _ in 0..read {
                lines.next().unwrap();
            }
            let mut resumed = Lines::resuming(100, lines.number, lines.offset());
            resumed.push(&text.as_bytes()[usize::try_from(lines.offset()).unwrap()..]);
            resumed.end();
            loop {
                let (left, right) = (lines.next().unwrap(), resumed.next().unwrap());
                prop_assert_eq!(left, right);
                if left.is_none() {
                    break;
                }
            }
        }

        #[test]
        fn how_bytes_come_in_makes_no_difference(text in "[a\\r\\n]{0,20}", cut in 0usize..20, other in 0usize..20) {
            let expected: Vec<String> = text.replace("\r\n", "\n").replace('\r', "\n")
                .split_inclusive('\n').map(|line| line.trim_end_matches('\n').to_owned()).collect();
            let bytes = text.as_bytes();
            let (a, b) = (cut.min(other).min(bytes.len()), cut.max(other).min(bytes.len()));
            prop_assert_eq!(split(&[&bytes[..a], &bytes[a..b], &bytes[b..]], 100).unwrap(), expected);
        }
    }
}
