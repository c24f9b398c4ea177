//! SQL: what runs as in Athena, and what fails and says so.

use serde_json::json;

use super::athena;

/// A statement, and its rows with `-` for NULL.
type Case = (&'static str, &'static [&'static [&'static str]]);

const CASES: &[Case] = &[
    ("SELECT count(*) AS c FROM numbers", &[&["c"], &["10"]]),
    (
        "select N, word from DB.Numbers where n between 2 and 3 order by n",
        &[&["n", "word"], &["2", "word 2"], &["3", "-"]],
    ),
    (
        "SELECT n, even, half FROM \"awsdatacatalog\".\"db\".\"numbers\" t WHERE t.n = 3",
        &[&["n", "even", "half"], &["3", "false", "1.5"]],
    ),
    (
        "SELECT \"numbers\".n, m.meta FROM db.numbers JOIN \"my-db\".\"meta-data\" m ON numbers.n = m.n WHERE m.n = 2",
        &[&["n", "meta"], &["2", "{}"]],
    ),
    (
        "SELECT n FROM \"my-db\".\"meta-data\" WHERE json_extract_scalar(meta, '$.user_meta.version') LIKE '1.3%' \
             -- a comment; with a semicolon\nAND json_array_contains(json_extract(meta, '$.user_meta.cells'), '5');",
        &[&["n"], &["0"]],
    ),
    (
        "WITH a(x) AS (SELECT n FROM numbers), b AS (SELECT x FROM a) SELECT sum(x) s FROM b",
        &[&["s"], &["45"]],
    ),
    // NULL is last, in both directions.
    (
        "SELECT word FROM numbers WHERE n IN (3, 4) ORDER BY word",
        &[&["word"], &["word 4"], &["-"]],
    ),
    (
        "SELECT word FROM numbers WHERE n IN (3, 4) ORDER BY word DESC LIMIT 1",
        &[&["word"], &["word 4"]],
    ),
    (
        "SELECT word FROM numbers WHERE n IN (3, 4) ORDER BY word NULLS FIRST LIMIT 1",
        &[&["word"], &["-"]],
    ),
    (
        "SELECT n FROM numbers WHERE n < 1 UNION ALL SELECT n FROM \"my-db\".\"meta-data\" ORDER BY 1 DESC",
        &[&["n"], &["2"], &["1"], &["0"], &["0"]],
    ),
    // Names of expressions, and case in LIKE.
    (
        "SELECT 1, 'x' y, 1.5e0, NULL",
        &[&["_col0", "y", "_col2", "_col3"], &["1", "x", "1.5", "-"]],
    ),
    (
        "SELECT count(*) FROM numbers WHERE word LIKE 'WORD%'",
        &[&["_col0"], &["0"]],
    ),
    (
        "SELECT approx_distinct(even) d, array_agg(n) a FROM numbers WHERE n < 3",
        &[&["d", "a"], &["2", "[0, 1, 2]"]],
    ),
    (
        "SELECT row_number() OVER (ORDER BY n DESC) r FROM numbers ORDER BY n LIMIT 1",
        &[&["r"], &["10"]],
    ),
    (
        "SELECT regexp_extract_all('1a 2b 14m', '\\d+')",
        &[&["_col0"], &["[1, 2, 14]"]],
    ),
    (
        "SELECT regexp_extract('a-12', '([a-z])-(\\d+)', 2) x, split_part('a/b/c', '/', 2) y",
        &[&["x", "y"], &["12", "b"]],
    ),
    (
        "SELECT date_format(TIMESTAMP '2026-03-04 05:06:07', '%Y/%m/%d %H:%i')",
        &[&["_col0"], &["2026/03/04 05:06"]],
    ),
    (
        "SELECT date_trunc('month', DATE '2026-03-04') x",
        &[&["x"], &["2026-03-01"]],
    ),
    (
        "SELECT if(1 = 1, 'a', 'b') i, try(1) t, try_cast('x' AS bigint) c",
        &[&["i", "t", "c"], &["a", "1", "-"]],
    ),
    (
        "SELECT CAST('2014-07-05' AS DATE) d, cast(n AS varchar(10)) v FROM numbers WHERE n = 1",
        &[&["d", "v"], &["2014-07-05", "1"]],
    ),
    (
        "SELECT \"$x\", day FROM \"lambda-tables\".\"data\".\"rows\"",
        &[&["$x", "day"], &["a,b", "2026-01-31"], &["-", "2026-02-01"]],
    ),
    ("SELECT 'it''s; DROP TABLE t' x", &[&["x"], &["it's; DROP TABLE t"]]),
    ("TABLE \"my-db\".\"meta-data\" LIMIT 0", &[&["n", "meta"]]),
    (
        "SELECT table_name FROM \"AwsDataCatalog\".\"information_schema\".\"tables\" WHERE table_schema = 'db' ORDER BY 1",
        &[&["table_name"], &["foreign"], &["hashes"], &["numbers"]],
    ),
    (
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'foreign'",
        &[&["column_name", "data_type"], &["x", "varchar"]],
    ),
    (
        "SELECT n AS col_name, word FROM numbers WHERE n < 2 ORDER BY n",
        &[&["col_name", "word"], &["0", "word 0"], &["1", "word 1"]],
    ),
    // Times compare as times, whatever made them.
    (
        "SELECT from_unixtime(1770000000) = TIMESTAMP '2026-02-02 02:40:00' a, TIMESTAMP '2026-02-02 02:40' t, \
             CAST('2026-02-02 02:40:00' AS timestamp) = TIMESTAMP '2026-02-02 02:40:00.000 UTC' b, \
             date(now()) = current_date c, TIMESTAMP '2026-02-02 02:40:00' > DATE '2026-02-02' d",
        &[
            &["a", "t", "b", "c", "d"],
            &["1", "2026-02-02 02:40:00.000", "1", "1", "1"],
        ],
    ),
    ("SELECT n FROM numbers ORDER BY n OFFSET 8", &[&["n"], &["8"], &["9"]]),
    (
        "SELECT a.n FROM (SELECT n FROM numbers ORDER BY n OFFSET 2 ROWS LIMIT 3) a ORDER BY 1 DESC OFFSET 1 ROW LIMIT ALL",
        &[&["n"], &["3"], &["2"]],
    ),
    ("SELECT .5 + n x FROM numbers LIMIT 1", &[&["x"], &["0.5"]]),
    (
        "SELECT concat('a', NULL, 'b') c, concat('a', 1) d, lower('ÄB') l, upper('äb') u",
        &[&["c", "d", "l", "u"], &["-", "a1", "äb", "ÄB"]],
    ),
    (
        "SELECT try(CAST('x' AS bigint)) t, 7 / 2 / (1 + 2) d, 7 % -(n + 4) m, 8 / CASE n WHEN 1 THEN 4 END c, \
             sum(n) / count(*) OVER (ORDER BY n) w, CASE n WHEN 0 THEN 1 / n ELSE 2 END e FROM numbers WHERE n = 1 GROUP BY n",
        &[&["t", "d", "m", "c", "w", "e"], &["-", "1", "2", "2", "1", "2"]],
    ),
    (
        r"SELECT regexp_replace('a-b', '(a)-(?<x>b)', '$2x$1${x}$0') r, regexp_replace('a', 'a', NULL) n",
        &[&["r", "n"], &["bxaba-b", "-"]],
    ),
    // SHOW has no header.
    ("SHOW DATABASES", &[&["db"], &["my-db"]]),
    ("SHOW TABLES IN `my-db`", &[&["meta-data"]]),
    ("SHOW TABLES 'num*'", &[&["numbers"]]),
    (
        "SHOW CREATE TABLE db.foreign",
        &[&["CREATE EXTERNAL TABLE `db.foreign`("], &["  `x` string)"]],
    ),
];

#[tokio::test]
async fn queries_run_as_in_athena() {
    let athena = athena().await;
    for (sql, expected) in CASES {
        let rows = athena.rows(sql).await;
        let rows: Vec<Vec<&str>> = rows
            .iter()
            .map(|row| row.iter().map(|cell| cell.as_deref().unwrap_or("-")).collect())
            .collect();
        assert_eq!(rows, *expected, "{sql}");
    }
    let described = athena.rows("DESCRIBE `my-db`.`meta-data`").await;
    let described: Vec<&str> = described[1][0].as_deref().unwrap().split('\t').map(str::trim).collect();
    assert_eq!(described, ["meta", "string", ""]);
    let plan = athena
        .rows("EXPLAIN (TYPE IO, FORMAT JSON) SELECT n FROM numbers")
        .await;
    let plan: String = plan[1..].iter().map(|row| row[0].clone().unwrap()).collect();
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    let table = &plan["inputTableColumnInfos"][0];
    assert_eq!(
        (
            &table["table"]["schemaTable"]["table"],
            &table["estimate"]["outputSizeInBytes"]
        ),
        (&json!("numbers"), &json!(1000))
    );
}

#[tokio::test]
async fn failures_have_athenas_words() {
    let athena = athena().await;
    for (sql, expected) in [
        (
            "SELECT x\nFROM numbers",
            "COLUMN_NOT_FOUND: line 1:8: Column 'x' cannot be resolved",
        ),
        ("SELECT \"x\" FROM numbers", "COLUMN_NOT_FOUND: line 1:8: Column 'x'"),
        (
            "SELECT *\nFROM missing",
            "TABLE_NOT_FOUND: line 2:6: Table 'awsdatacatalog.db.missing' does not exist",
        ),
        (
            "SELECT * FROM nowhere.t",
            "SCHEMA_NOT_FOUND: line 1:15: Schema 'nowhere' does not exist",
        ),
        (
            "SELECT * FROM c.d.t",
            "CATALOG_NOT_FOUND: line 1:15: Catalog 'c' not found",
        ),
        (
            "SELECT n FROM numbers, \"my-db\".\"meta-data\"",
            "AMBIGUOUS_NAME: line 1:8: Column 'n' is ambiguous",
        ),
        (
            "SELECT CAST(word AS bigint) FROM numbers",
            "INVALID_CAST_ARGUMENT: Cannot cast 'word 0' to BIGINT",
        ),
        (
            "SHOW TABLES IN nowhere",
            "SCHEMA_NOT_FOUND: line 1:16: Schema 'nowhere'",
        ),
        (
            "SELECT DATE 'nonsense'",
            "INVALID_LITERAL: line 1:8: 'nonsense' is not a valid DATE literal",
        ),
        ("SELECT TIMESTAMP '2026-13-01 00:00:00'", "INVALID_LITERAL: line 1:8: "),
        ("SELECT CAST('20260101' AS date)", "INVALID_CAST_ARGUMENT"),
        ("SELECT 1 / n FROM numbers", "DIVISION_BY_ZERO: Division by zero"),
        ("SELECT n % (n - n) FROM numbers", "DIVISION_BY_ZERO"),
        (
            "SELECT regexp_replace('a', '(a)', '$2')",
            "NOT_SUPPORTED: The replacement '$2'",
        ),
        // What SQLite cannot do.
        ("SELECT half / half FROM numbers", "NOT_SUPPORTED"),
        (
            r"SELECT regexp_replace('a', '(a)', '\$1')",
            "NOT_SUPPORTED: The replacement",
        ),
        (
            "SELECT coalesce(try(CAST('x' AS bigint) + 1), 0)",
            "NOT_SUPPORTED: A failure in a statement with TRY: Cannot cast 'x' to BIGINT (development server)",
        ),
        (
            "SELECT json_extract_scalar('{\"n\":123456789012345678901}', '$.n')",
            "NOT_SUPPORTED: A large number in JSON",
        ),
        (
            "SELECT h.Pair.value FROM hashes h",
            "NOT_SUPPORTED: line 1:8: The field 'Pair.value' of a row (development server)",
        ),
        (
            "SELECT TIMESTAMP '2026-01-01 00:00:00 Europe/Berlin'",
            "NOT_SUPPORTED: line 1:8: TIMESTAMP '2026-01-01 00:00:00 Europe/Berlin' (development server)",
        ),
        (
            "SELECT ARRAY[1, 2]",
            "NOT_SUPPORTED: line 1:8: 'ARRAY' (development server)",
        ),
        (
            "SELECT transform(x) FROM numbers",
            "NOT_SUPPORTED: line 1:8: Function 'transform' (development server)",
        ),
        (
            "SELECT * FROM numbers, UNNEST(x) AS t(y)",
            "NOT_SUPPORTED: line 1:24: 'UNNEST'",
        ),
        ("SELECT * FROM TABLE(sequence(1, 3))", "NOT_SUPPORTED"),
        ("SELECT now() - INTERVAL '1' DAY", "NOT_SUPPORTED"),
        ("(SELECT 1) UNION (SELECT 2)", "NOT_SUPPORTED"),
        ("SELECT load_extension('x')", "NOT_SUPPORTED"),
        ("SELECT * FROM json_each('[1]')", "NOT_SUPPORTED"),
        ("SELECT name FROM sqlite_master", "TABLE_NOT_FOUND"),
        ("CREATE TABLE t AS SELECT 1 x", "NOT_SUPPORTED: line 1:1: CREATE TABLE"),
        ("INSERT INTO t VALUES (1)", "NOT_SUPPORTED: line 1:1: INSERT"),
        ("UNLOAD (SELECT 1) TO 's3://b/k'", "NOT_SUPPORTED"),
        ("EXPLAIN ANALYZE SELECT 1", "NOT_SUPPORTED"),
        (
            "EXPLAIN SELECT x FROM numbers",
            "COLUMN_NOT_FOUND: line 1:16: Column 'x'",
        ),
    ] {
        let reason = athena.reason(&athena.admin, sql).await;
        assert!(reason.starts_with(expected), "{sql}: {reason}");
    }
}

/// Each operand's end is known from one pass, and SQLite bounds the depth.
#[tokio::test]
async fn a_statement_of_the_greatest_length_is_read_in_one_pass() {
    let athena = athena().await;
    let sql = format!("SELECT {}1{}", "1/(".repeat(60_000), ")".repeat(60_000));
    let reason = athena.reason(&athena.admin, &sql).await;
    assert!(reason.starts_with("SYNTAX_ERROR: "), "{reason}");
}

#[tokio::test]
async fn what_is_not_a_statement_is_refused() {
    let athena = athena().await;
    for (sql, expected) in [
        ("SELEC 1", "line 1:1: mismatched input 'SELEC'"),
        ("PRAGMA table_list", "line 1:1: mismatched input 'PRAGMA'"),
        ("ATTACH 'x' AS y", "line 1:1: mismatched input 'ATTACH'"),
        ("SELECT 1; SELECT 2", "line 1:9: Only one sql statement is allowed"),
        ("SELECT 'x", "line 1:8: mismatched input"),
        ("SELECT 1 FROM", "line 1:14: mismatched input '<EOF>'"),
        (
            "SELECT n FROM db.numbers LIMIT 1 OFFSET 1",
            "line 1:34: mismatched input 'OFFSET'. Expecting: <EOF>",
        ),
        ("SELECT 1 +\n* FROM t", "line 2:1: mismatched input '*'"),
        (
            "SELECT * FROM `numbers`",
            "line 1:15: backquoted identifiers are not supported",
        ),
        (
            "SELECT ?",
            "line 1:1: Incorrect number of parameters: expected 1 but found 0",
        ),
    ] {
        let input = json!({ "QueryString": sql, "WorkGroup": "team" });
        let message = athena
            .fails("StartQueryExecution", input, "InvalidRequestException")
            .await;
        assert!(message.starts_with(expected), "{sql}: {message}");
    }
}

#[tokio::test]
async fn parameters_are_expressions() {
    let athena = athena().await;
    let input = |parameters: &[&str]| {
        json!({ "QueryString": "SELECT word, '?' q FROM db.numbers WHERE n = ? AND word = ?", "WorkGroup": "team",
            "ExecutionParameters": parameters })
    };
    let started = athena.call("StartQueryExecution", input(&["1 + 1", "'word 2'"])).await;
    let id = started["QueryExecutionId"].as_str().unwrap();
    assert_eq!(
        athena.wait(id, "").await["ExecutionParameters"],
        json!(["1 + 1", "'word 2'"])
    );
    let results = athena.call("GetQueryResults", json!({ "QueryExecutionId": id })).await;
    assert_eq!(
        super::rows_of(&results)[1],
        [Some("word 2".to_owned()), Some("?".to_owned())]
    );
    // Their length is counted in characters.
    let long = format!("'{}'", "ä".repeat(1022));
    athena.call("StartQueryExecution", input(&["1", &long])).await;
    for wrong in ["1) OR (1 = 1", "1, 2", "1 --", "'x", "1; SELECT 2"] {
        let message = athena
            .fails("StartQueryExecution", input(&["1", wrong]), "InvalidRequestException")
            .await;
        assert!(message.contains("is not an expression"), "{wrong}: {message}");
    }
}
