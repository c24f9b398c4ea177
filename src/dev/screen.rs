//! What `quilt-mcp dev` prints once everything listens: one screen of a terminal, 24 lines of 100 columns.

use std::fmt::Write as _;
use std::path::Path;

use super::{CatalogPages, DevInfo};

/// What the screen shows besides the addresses.
#[derive(Debug, Clone, Copy)]
pub struct Screen<'a> {
    /// Where the tokens and `dev.json` are. Without it, a container's page gives them out.
    pub data: Option<&'a Path>,
    /// What the catalog's addresses open.
    pub pages: CatalogPages,
    /// Variables that were set and are ignored.
    pub ignored_variables: &'a [&'static str],
}

impl Screen<'_> {
    /// Returns the text.
    #[must_use]
    pub fn text(&self, info: &DevInfo) -> String {
        let mcp = &info.mcp_url;
        let page = mcp.trim_end_matches("mcp");
        let catalog = &info.catalog_url;
        let pages = match self.pages {
            CatalogPages::Console => "its pages lead to the page above",
            CatalogPages::FrontEnd => "Quilt's own front end, as writer",
        };
        let (s3, registry) = (&info.s3_endpoint, &info.registry_url);
        let (reader, writer) = (self.token("reader", page), self.token("writer", page));
        let mut text = format!(
            "\
quilt-mcp dev is ready. Objects are kept in memory and end with it; each start makes new tokens.

  Open in a browser  {page}
  MCP endpoint       {mcp}
  Catalog            {catalog}  ({pages})
  Registry           {registry}
  S3, STS, Athena    {s3}

Connect Claude Code:
  claude mcp add --transport http quilt {mcp} \\
    --header \"Authorization: Bearer {writer}\"

Call a tool, here as a user who may only read:
  curl -sS {mcp} -H 'Content-Type: application/json' \\
    -H \"Authorization: Bearer {reader}\" \\
    -d '{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{{\"name\":\"bucket_list\"}}}}'
"
        );
        if let Some(data) = self.data {
            let option = if data == Path::new("dev-data") {
                String::new()
            } else {
                format!(" --data {}", shell_quoted(data))
            };
            let _ = writeln!(text, "  quilt-mcp call bucket_list --user reader{option}");
            let _ = writeln!(
                text,
                "\nTokens of reader, writer, embedded, assumed: {0}/NAME.token, {0}/dev.json",
                data.display()
            );
        } else {
            text.push_str(
                "\nUsers: reader, writer, embedded, assumed. The page and that address give their tokens out.\n",
            );
        }
        if !self.ignored_variables.is_empty() {
            let _ = writeln!(
                text,
                "Ignored, because dev sets its own: {}.",
                self.ignored_variables.join(", ")
            );
        }
        text.push_str("--verbose prints a walk of eight calls, --log info shows the log. Stop with Ctrl-C.\n");
        text
    }

    /// Returns shell code that expands to a user's token.
    fn token(&self, user: &str, page: &str) -> String {
        match self.data {
            Some(data) => format!("$(cat {})", shell_quoted(&data.join(format!("{user}.token")))),
            None => format!("$(curl -sS {page}mcp/console/users/{user})"),
        }
    }
}

/// Returns a path as a word of a POSIX shell within double quotes and `$(…)`.
fn shell_quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    if text.bytes().all(is_plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
