//! The files of the front end, in the folder or the wheel of quilt3-local, which the user installs.
//!
//! Two files are changed when they are served: the document loads nothing from other hosts, and S3 is that of this origin.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use regex::Regex;
use zip::ZipArchive;

/// The folder of the files in the package.
const FOLDER: &str = "catalog_bundle";
/// The same in the wheel.
const IN_WHEEL: &str = "quilt3_local/catalog_bundle/";
/// The document that every page of the catalog loads.
pub(super) const DOCUMENT: &str = "index.html";
/// What a user without the package does.
const INSTALL: &str = "expected the folder or the wheel of quilt3-local 2.0.0, which `pip download --no-deps quilt3-local==2.0.0` fetches";
/// Where the front end configures S3, and what is added there.
const S3_OPTIONS: &str = r#"s3UsEast1RegionalEndpoint:"regional""#;
const S3_OF_ORIGIN: &str = "endpoint:location.origin,s3ForcePathStyle:!0";
/// Scripts, fonts and styles of other hosts in the document.
const OUTSIDE: &str = r#"<link\b[^>]*\bhref="https?://[^>]*>|<script\b[^>]*\bsrc="https?://[^>]*>\s*</script>"#;
/// The names of icons, whose font is one of another host, are not shown in place of them.
const NO_ICONS: &str = "<style>.material-icons{width:1em;height:1em;overflow:hidden;visibility:hidden}</style></head>";

/// The front end of Quilt's catalog. Clones share its files.
#[derive(Clone)]
pub struct CatalogUi(Arc<Source>);

enum Source {
    Folder(PathBuf),
    Wheel(Mutex<ZipArchive<File>>),
}

impl fmt::Debug for CatalogUi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatalogUi").finish_non_exhaustive()
    }
}

impl CatalogUi {
    /// Opens a wheel, or a folder: that of the files, that of the package, or the one in which the package is installed.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        anyhow::ensure!(
            !path.as_os_str().is_empty(),
            "--catalog-ui: no path is given; {INSTALL}"
        );
        let shown = path.display();
        let source = if path.is_dir() {
            let inner = [PathBuf::new(), PathBuf::from(FOLDER), PathBuf::from(IN_WHEEL)];
            let mut folders = inner.iter().map(|inner| path.join(inner));
            let found = folders.find(|folder| folder.join(DOCUMENT).is_file());
            found.map(Source::Folder)
        } else {
            let file = File::open(path).with_context(|| format!("--catalog-ui: {shown} cannot be read; {INSTALL}"))?;
            ZipArchive::new(file).ok().map(|wheel| Source::Wheel(Mutex::new(wheel)))
        };
        let source =
            source.with_context(|| format!("--catalog-ui: {shown} has no front end of Quilt's catalog; {INSTALL}"))?;
        let ui = Self(Arc::new(source));
        anyhow::ensure!(
            ui.is_supported(),
            "--catalog-ui: {shown} has no front end of Quilt's catalog, or one of another version; {INSTALL}"
        );
        Ok(ui)
    }

    /// Whether one of the document's scripts configures S3 as expected. Otherwise the page would ask AWS's own.
    fn is_supported(&self) -> bool {
        let document = self.file(DOCUMENT).and_then(|bytes| String::from_utf8(bytes).ok());
        let document = document.unwrap_or_default();
        let names = document
            .split(" src=\"/")
            .skip(1)
            .filter_map(|rest| rest.split('"').next());
        let mut scripts = names.filter_map(|name| self.file(name));
        scripts.any(|script| String::from_utf8_lossy(&script).contains(S3_OPTIONS))
    }

    /// Returns a file as it is installed.
    fn file(&self, name: &str) -> Option<Vec<u8>> {
        let is_plain = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if !is_plain || name.starts_with('.') {
            return None;
        }
        match &*self.0 {
            Source::Folder(folder) => std::fs::read(folder.join(name)).ok(),
            Source::Wheel(wheel) => {
                let mut wheel = wheel.lock().unwrap_or_else(PoisonError::into_inner);
                let mut content = Vec::new();
                let mut file = wheel.by_name(&format!("{IN_WHEEL}{name}")).ok()?;
                file.read_to_end(&mut content).ok()?;
                Some(content)
            }
        }
    }

    /// Returns a file as it is served, with its type.
    pub(super) fn served(&self, name: &str) -> Option<(&'static str, Vec<u8>)> {
        let content = self.file(name)?;
        let content = match name.rsplit_once('.') {
            Some((_, "js")) => own_s3(content),
            Some((_, "html")) => without_outside(&content),
            _ => content,
        };
        Some((content_type(name), content))
    }
}

/// Makes S3 that of the page's origin, addressed by paths.
fn own_s3(script: Vec<u8>) -> Vec<u8> {
    match memchr::memmem::find(&script, S3_OPTIONS.as_bytes()) {
        Some(_) => String::from_utf8_lossy(&script)
            .replace(S3_OPTIONS, S3_OF_ORIGIN)
            .into_bytes(),
        None => script,
    }
}

/// Cuts what the document would load from other hosts: one of them was sold, and has served malware since.
fn without_outside(document: &[u8]) -> Vec<u8> {
    let document = String::from_utf8_lossy(document);
    let cut = match Regex::new(OUTSIDE) {
        Ok(outside) => outside.replace_all(&document, "").into_owned(),
        // The expression is constant.
        Err(_) => String::new(),
    };
    cut.replacen("</head>", NO_ICONS, 1).into_bytes()
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("ico") => "image/x-icon",
        Some("woff") => "font/woff",
        Some("woff2") => "font/woff2",
        Some("ttf") => "font/ttf",
        Some("webm") => "video/webm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_loads_nothing_from_other_hosts() {
        let document = br#"<head><link href="https://fonts.example/css" rel="stylesheet"/><meta content="https://example.com"/><script src="https://cdn.example/a.js?x=1"></script><script defer="defer" src="/app.js"></script></head>"#;
        let served = String::from_utf8(without_outside(document)).unwrap();
        assert!(
            !served.contains("fonts.example") && !served.contains("cdn.example"),
            "{served}"
        );
        assert!(served.contains(r#"<script defer="defer" src="/app.js">"#), "{served}");
        assert_eq!(
            own_s3(br#"{a:1,s3UsEast1RegionalEndpoint:"regional"}"#.to_vec()),
            b"{a:1,endpoint:location.origin,s3ForcePathStyle:!0}"
        );
    }

    #[test]
    fn a_folder_is_that_of_the_package_or_one_of_another_version() {
        let installed = tempfile::tempdir().unwrap();
        let files = installed.path().join(IN_WHEEL);
        std::fs::create_dir_all(&files).unwrap();
        std::fs::write(files.join(DOCUMENT), r#"<script defer="defer" src="/app.js"></script>"#).unwrap();
        std::fs::write(files.join("app.js"), "{}").unwrap();
        let refused = CatalogUi::open(installed.path()).unwrap_err().to_string();
        assert!(refused.contains("another version"), "{refused}");
        std::fs::write(files.join("app.js"), format!("{{{S3_OPTIONS}}}")).unwrap();
        for path in [installed.path(), &installed.path().join("quilt3_local"), &files] {
            let ui = CatalogUi::open(path).unwrap();
            assert!(
                ui.served("app.js")
                    .is_some_and(|(_, script)| script.starts_with(b"{endpoint:location.origin"))
            );
            for name in ["", "..", "../app.js", ".app.js", "absent.js"] {
                assert!(ui.served(name).is_none(), "{name}");
            }
        }
    }
}
