//! Limit on the length of log lines: a line above [`MAX_LINE_BYTES`] is replaced.

use std::io::{self, Write};

use serde::Deserialize;
use tracing::Metadata;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};

use super::LogFormat;
use super::text::{self, bounded};

/// Maximum length of a line, including its newline.
pub const MAX_LINE_BYTES: usize = 4096;

/// Creates writers that replace each line above the limit with a short one.
pub struct BoundedLines<W> {
    inner: W,
    format: LogFormat,
}

impl<W> BoundedLines<W> {
    pub fn new(inner: W, format: LogFormat) -> Self {
        Self { inner, format }
    }
}

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for BoundedLines<W> {
    type Writer = BoundedLine<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        BoundedLine {
            inner: self.inner.make_writer(),
            format: self.format,
            about: None,
        }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Self::Writer {
        let about = Some((
            metadata.level().as_str(),
            bounded(metadata.target(), text::MAX_NAME_BYTES).to_owned(),
        ));
        BoundedLine {
            inner: self.inner.make_writer_for(metadata),
            format: self.format,
            about,
        }
    }
}

/// A writer of one line.
pub struct BoundedLine<W> {
    inner: W,
    format: LogFormat,
    /// Level and target of the event.
    about: Option<(&'static str, String)>,
}

/// The fields of a JSON line that its replacement keeps.
#[derive(Deserialize)]
struct KeptFields {
    timestamp: String,
    request_id: Option<String>,
    trace_id: Option<String>,
}

impl<W: Write> Write for BoundedLine<W> {
    /// The formatters write a whole line at once.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if line.len() <= MAX_LINE_BYTES {
            self.inner.write_all(line)?;
        } else {
            self.inner.write_all(self.replacement(line).as_bytes())?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<W> BoundedLine<W> {
    fn replacement(&self, line: &[u8]) -> String {
        let (level, target) = self
            .about
            .as_ref()
            .map_or(("INFO", ""), |(level, target)| (*level, target.as_str()));
        let message = format!("a log line of {} bytes was too long and is not shown", line.len());
        match self.format {
            LogFormat::Text => format!("{} {level:>5} {target}: {message}\n", now()),
            LogFormat::Json => {
                let kept: Option<KeptFields> = serde_json::from_slice(line).ok();
                let timestamp = kept
                    .as_ref()
                    .map_or_else(now, |kept| bounded(&kept.timestamp, 64).to_owned());
                let mut shown = serde_json::json!({
                    "timestamp": timestamp, "level": level, "target": target, "message": message,
                });
                let ids = kept.map(|kept| [("request_id", kept.request_id), ("trace_id", kept.trace_id)]);
                for (name, id) in ids.into_iter().flatten() {
                    if let (Some(shown), Some(id)) = (shown.as_object_mut(), id) {
                        shown.insert(name.to_owned(), bounded(&id, text::MAX_NAME_BYTES).into());
                    }
                }
                format!("{shown}\n")
            }
        }
    }
}

/// Returns the current time in the format of the formatters.
pub(super) fn now() -> String {
    let mut text = String::new();
    match SystemTime.format_time(&mut Writer::new(&mut text)) {
        Ok(()) => text,
        Err(_) => String::new(),
    }
}
