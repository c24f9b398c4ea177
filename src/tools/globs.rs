//! Globs that select objects by their keys: a bounded number, compiled together.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::tools::ToolError;

/// Most globs of one argument.
pub(super) const MAX_GLOBS: usize = 100;
const MAX_GLOB_BYTES: usize = 1024;
/// Globs of more bytes in all are compiled and matched on the pool for computations.
const MAX_INLINE_BYTES: usize = 4096;

/// The globs of one argument. Those with a slash are matched with a path, those without with its last segment.
#[derive(Debug, Default)]
pub(super) struct Globs {
    paths: GlobSet,
    names: GlobSet,
}

impl Globs {
    /// Compiles the globs of an argument that [`checked`] has accepted.
    pub(super) fn compile(argument: &str, patterns: &[String]) -> Result<Self, ToolError> {
        let mut paths = GlobSetBuilder::new();
        let mut names = GlobSetBuilder::new();
        for pattern in patterns {
            let glob = GlobBuilder::new(pattern)
                .literal_separator(true)
                .build()
                .map_err(|problem| {
                    ToolError::invalid(format!(
                        "Argument {argument}: `{pattern}` is no glob: {}.",
                        problem.kind()
                    ))
                })?;
            if pattern.contains('/') { &mut paths } else { &mut names }.add(glob);
        }
        let build = |set: GlobSetBuilder| {
            set.build().map_err(|problem| {
                ToolError::invalid(format!(
                    "Argument {argument}: the globs cannot be compiled: {}.",
                    problem.kind()
                ))
            })
        };
        Ok(Self {
            paths: build(paths)?,
            names: build(names)?,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.paths.is_empty() && self.names.is_empty()
    }

    /// Reports whether any of them matches.
    pub(super) fn matches(&self, path: &str) -> bool {
        self.names.is_match(path.rsplit('/').next().unwrap_or(path)) || self.paths.is_match(path)
    }
}

/// Refuses more or longer globs than an argument may have.
pub(super) fn checked(argument: &str, patterns: &[String]) -> Result<(), ToolError> {
    if patterns.len() > MAX_GLOBS {
        let message = format!(
            "Argument {argument} has {} globs; at most {MAX_GLOBS} are taken.",
            patterns.len()
        );
        return Err(ToolError::invalid(message).with_hint("Use globs that match more, or a longer source_prefix."));
    }
    match patterns.iter().position(|pattern| pattern.len() > MAX_GLOB_BYTES) {
        None => Ok(()),
        Some(index) => {
            let length = patterns.get(index).map_or(0, String::len);
            Err(ToolError::invalid(format!(
                "Argument {argument}: glob {index} has {length} bytes; at most {MAX_GLOB_BYTES} are taken."
            )))
        }
    }
}

/// Compiles the glob of an argument that may be absent.
pub(super) fn optional(argument: &str, pattern: Option<String>) -> Result<Option<Globs>, ToolError> {
    let Some(pattern) = pattern.filter(|pattern| !pattern.is_empty()) else {
        return Ok(None);
    };
    let patterns = [pattern];
    checked(argument, &patterns)?;
    Globs::compile(argument, &patterns).map(Some)
}

/// Reports whether these globs are to be matched on the pool for computations.
pub(super) fn is_heavy<'a>(patterns: impl Iterator<Item = &'a String>) -> bool {
    patterns.map(String::len).sum::<usize>() > MAX_INLINE_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn globs(patterns: &[&str]) -> Globs {
        let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        Globs::compile("include", &patterns).unwrap()
    }

    #[test]
    fn globs_without_a_slash_match_names_and_others_paths() {
        let set = globs(&["*.csv", "raw/*", "**/deep/**"]);
        for (path, expected) in [
            ("a.csv", true),
            ("x/y/a.csv", true),
            ("raw/a", true),
            ("raw/b/a", false),
            ("x/raw/a", false),
            ("x/deep/y/z", true),
            ("a.txt", false),
        ] {
            assert_eq!(set.matches(path), expected, "{path}");
        }
        assert!(globs(&[]).is_empty() && !globs(&[]).matches("a"));
    }

    #[test]
    fn a_set_matches_as_its_globs_do_one_by_one() {
        let patterns = [
            "*",
            "a*",
            "*.csv",
            "a.csv",
            "[ab].?sv",
            "{a,b}/*",
            "a/**",
            "**/a.csv",
            "**",
            "a/b/*.csv",
            "*/",
        ];
        let paths = [
            "a.csv",
            "b.tsv",
            "a/b.csv",
            "a/b/a.csv",
            "b/c",
            "c/b/a.csv",
            "a/",
            "",
            "a//b",
        ];
        for pattern in patterns {
            let glob = GlobBuilder::new(pattern)
                .literal_separator(true)
                .build()
                .unwrap()
                .compile_matcher();
            for path in paths {
                let subject = if pattern.contains('/') {
                    path
                } else {
                    path.rsplit('/').next().unwrap()
                };
                assert_eq!(
                    globs(&[pattern]).matches(path),
                    glob.is_match(subject),
                    "{pattern} {path}"
                );
            }
        }
    }

    #[test]
    fn too_many_or_too_long_globs_are_refused() {
        let many = vec!["*.csv".to_owned(); MAX_GLOBS];
        assert!(checked("exclude", &many).is_ok());
        let more = vec!["*.csv".to_owned(); MAX_GLOBS + 1];
        let refused = checked("exclude", &more).unwrap_err().message;
        assert_eq!(refused, "Argument exclude has 101 globs; at most 100 are taken.");
        assert!(checked("include", &["a".repeat(MAX_GLOB_BYTES)]).is_ok());
        let refused = checked("include", &["*".to_owned(), "a".repeat(MAX_GLOB_BYTES + 1)])
            .unwrap_err()
            .message;
        assert_eq!(
            refused,
            "Argument include: glob 1 has 1025 bytes; at most 1024 are taken."
        );
    }
}
