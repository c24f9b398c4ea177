//! The types of the page's modules, by their comments.

use std::fs;
use std::path::Path;

use crate::support::tools;

#[test]
fn the_modules_pass_the_type_checker() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console/files");
    let folder = tempfile::tempdir().unwrap();
    for file in fs::read_dir(sources).unwrap() {
        let file = file.unwrap().path();
        if file.extension().is_some_and(|extension| extension == "js") {
            fs::copy(&file, folder.path().join(file.file_name().unwrap())).unwrap();
        }
    }
    let config = folder.path().join("tsconfig.json");
    fs::write(&config, include_str!("../../peers/console/tsconfig.json")).unwrap();
    let mut check = tools::node_program().unwrap();
    let checked = tools::run(check.args(["node_modules/typescript/bin/tsc", "--project"]).arg(config));
    assert!(checked.is_ok(), "{checked:?}");
}
