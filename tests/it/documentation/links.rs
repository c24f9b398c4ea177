//! Links from page to page, to files, and to headings.

use std::collections::BTreeMap;
use std::path::Path;

use fancy_regex::Regex;

use super::{Page, ROOT, pages};

/// Returns the anchors of a page's headings, as GitHub makes them.
fn anchors(page: &Page) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let headings = page.prose().into_iter().filter_map(|line| {
        let text = line.trim_start_matches('#');
        (text.len() < line.len() && text.starts_with(' ')).then(|| text.trim())
    });
    headings
        .map(|heading| {
            let anchor: String = heading
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect();
            let count = counts.entry(anchor.clone()).or_default();
            *count += 1;
            if *count == 1 {
                anchor
            } else {
                format!("{anchor}-{}", *count - 1)
            }
        })
        .collect()
}

/// Returns the targets of the links in a page's prose that are no URLs.
fn targets(page: &Page) -> Vec<String> {
    let pattern = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let code = Regex::new("`[^`]*`").unwrap();
    let mut targets = Vec::new();
    for line in page.prose() {
        // A link's text may be code, but its target is outside of it.
        let line = code.replace_all(line, "code");
        let found = pattern.captures_iter(line.as_ref());
        targets.extend(found.map(|found| found.unwrap().get(1).unwrap().as_str().to_owned()));
    }
    targets.retain(|target| !target.contains("://"));
    targets
}

/// Returns what is wrong with a page's links.
fn broken(page: &Page, all: &[Page]) -> Vec<String> {
    let folder = Path::new(&page.name).parent().unwrap();
    let mut wrong = Vec::new();
    for target in targets(page) {
        let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
        let mut parts: Vec<&str> = Vec::new();
        let joined = if path.is_empty() {
            page.name.clone()
        } else {
            format!("{}/{path}", folder.display())
        };
        for part in joined.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        let file = parts.join("/");
        let is_there = Path::new(ROOT).join(&file).exists();
        let has_anchor = anchor.is_empty()
            || all
                .iter()
                .any(|page| page.name == file && anchors(page).iter().any(|it| it == anchor));
        if !is_there || !has_anchor {
            wrong.push(format!("{}: {target}", page.name));
        }
    }
    wrong
}

#[test]
fn links_lead_somewhere() {
    let all = pages();
    let wrong: Vec<String> = all.iter().flat_map(|page| broken(page, &all)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    // The check finds defects.
    for text in [
        "[x](docs/none.md)",
        "[x](docs/tools.md#none)",
        "[x](#none)",
        "[`x`](none.md)",
    ] {
        for name in ["README.md", ".github/pull_request_template.md"] {
            let page = Page {
                name: name.to_owned(),
                text: text.to_owned(),
            };
            assert_eq!(broken(&page, &all).len(), 1, "{name}: {text}");
        }
    }
    assert!(all.iter().any(|page| page.name == ".github/pull_request_template.md"));
}

#[test]
fn each_page_is_reached_from_the_readme() {
    let all = pages();
    let readme = all.iter().find(|page| page.name == "README.md").unwrap();
    let linked = targets(readme);
    let missing: Vec<&str> = all
        .iter()
        .map(|page| page.name.as_str())
        // GitHub itself shows those of its folder.
        .filter(|name| *name != "README.md" && !name.starts_with(".github/"))
        .filter(|name| !linked.iter().any(|target| target == name))
        .collect();
    assert!(missing.is_empty(), "no link to {missing:?}");
}
