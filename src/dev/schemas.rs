//! The schemas of the registry: each generation of its search, with each generation of its Tabulator.

use std::collections::HashMap;

use super::graphql::Schema;
use super::search::Generation;
use super::tabulator_api::TabulatorGeneration;

const BASE: &str = include_str!("schema/base.graphql");
const ACCOUNT: &str = include_str!("schema/account.graphql");
const SEARCH: &str = include_str!("schema/search.graphql");
const UNTIL_JULY_2025: &str = include_str!("schema/until_july_2025.graphql");
const SINCE_AUGUST_2025: &str = include_str!("schema/since_august_2025.graphql");
const UNTIL_AUGUST_2026: &str = include_str!("schema/until_august_2026.graphql");
const SINCE_AUGUST_2026: &str = include_str!("schema/since_august_2026.graphql");
const TABULATOR: &str = include_str!("schema/tabulator.graphql");
const SINCE_OCTOBER_2025: &str = include_str!("schema/since_october_2025.graphql");

/// Reads the schemas.
pub(super) fn read() -> anyhow::Result<HashMap<(Generation, TabulatorGeneration), Schema>> {
    let searches: [(Generation, &[&str]); 4] = [
        (Generation::WithoutSearch, &[]),
        (Generation::October2023, &[SEARCH, UNTIL_JULY_2025, UNTIL_AUGUST_2026]),
        (Generation::August2025, &[SEARCH, SINCE_AUGUST_2025, UNTIL_AUGUST_2026]),
        (Generation::August2026, &[SEARCH, SINCE_AUGUST_2025, SINCE_AUGUST_2026]),
    ];
    let tabulators: [(TabulatorGeneration, &[&str]); 3] = [
        (TabulatorGeneration::WithoutTabulator, &[]),
        (TabulatorGeneration::October2024, &[TABULATOR]),
        (TabulatorGeneration::October2025, &[TABULATOR, SINCE_OCTOBER_2025]),
    ];
    let mut schemas = HashMap::new();
    for (search, search_texts) in searches {
        for (tabulator, tabulator_texts) in tabulators {
            let texts = [&[BASE, ACCOUNT], search_texts, tabulator_texts].concat();
            schemas.insert((search, tabulator), Schema::read(&texts)?);
        }
    }
    Ok(schemas)
}
