//! Relative links of a readme that the catalog will not find. It resolves them against the object of the readme, which
//! lies below the package's own prefix, where the other entries lie only if they were copied.

use std::collections::HashSet;

/// Returns the targets of relative links and images in Markdown, without fragments, each once.
pub(super) fn relative_links(markdown: &str) -> Vec<String> {
    let mut links = Vec::new();
    let mut known = HashSet::new();
    let mut fence = None;
    for line in markdown.lines() {
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|mark| line.trim_start().starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, None) => {
                let found = targets(&without_code(line))
                    .into_iter()
                    .filter_map(|target| relative(&target));
                links.extend(found.filter(|path| known.insert(path.clone())));
            }
            (Some(_), _) => {}
        }
    }
    links
}

/// Returns a line without its code spans. A backtick that no other closes begins none.
fn without_code(line: &str) -> String {
    let last = line.matches('`').count();
    let parts = line.split('`').enumerate();
    let text = parts.filter(|(at, _)| at % 2 == 0 || *at == last);
    text.map(|(_, part)| part).collect()
}

/// Returns the targets of a line: `](…)`, `[…]: …`, and the attributes `src` and `href` of HTML.
fn targets(line: &str) -> Vec<String> {
    let mut found: Vec<String> = line.split("](").skip(1).filter_map(destination).collect();
    if line.trim_start().starts_with('[')
        && let Some((_, target)) = line.split_once("]:")
    {
        found.extend(destination(target));
    }
    for attribute in ["src=", "href="] {
        for value in line.split(attribute).skip(1) {
            let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''));
            let value = quote.and_then(|quote| value.get(1..)?.split_once(quote));
            found.extend(value.map(|(value, _)| value.to_owned()));
        }
    }
    found
}

/// Returns the destination at the beginning of a text: up to a space or the closing parenthesis, or in angle brackets.
fn destination(text: &str) -> Option<String> {
    let text = text.trim_start();
    if let Some(text) = text.strip_prefix('<') {
        return text.split_once('>').map(|(target, _)| target.to_owned());
    }
    let mut depth = 0_usize;
    let end = text.find(|letter: char| {
        depth += usize::from(letter == '(');
        let is_end = letter.is_whitespace() || letter == ')' && depth == 0;
        depth -= usize::from(letter == ')' && depth > 0);
        is_end
    });
    Some(text.get(..end.unwrap_or(text.len()))?.to_owned()).filter(|target| !target.is_empty())
}

/// Returns the path of a relative link that stays within the readme's folder.
fn relative(target: &str) -> Option<String> {
    let path = target.split(['#', '?']).next().unwrap_or_default();
    let has_scheme = path.split_once(':').is_some_and(|(scheme, _)| !scheme.contains('/'));
    if path.is_empty() || path.starts_with('/') || has_scheme {
        return None;
    }
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "." | "" => {}
            ".." => drop(segments.pop()?),
            segment => segments.push(segment),
        }
    }
    Some(segments.join("/")).filter(|path| !path.is_empty())
}

#[cfg(test)]
mod tests {
    use super::relative_links;

    #[test]
    fn links_are_found_in_every_form() {
        let text = "[a](a.md) ![b](<b c.png>) [d](d(1).md 'Title') [e](./x/../e.md#top)\n[f]: f.md\n<a href=\"g.md\">\n\
                    [a](a.md) `[h](h.md)` lone ` [i](i.md)\n~~~\n[j](j.md)\n~~~\n[k](k:l/m.md";
        assert_eq!(
            relative_links(text),
            ["a.md", "b c.png", "d(1).md", "e.md", "f.md", "g.md", "i.md"]
        );
        for other in ["https://x/y", "mailto:a@b", "s3://b/k", "#top", "/x", "../x", "?q", ""] {
            assert!(relative_links(&format!("[x]({other})")).is_empty(), "{other}");
        }
    }
}
