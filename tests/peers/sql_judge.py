"""Says of each statement whether sqlglot reads it as one statement of Athena that only reads.

Reads a JSON array of statements from standard input and prints a JSON array: `null` for a statement that only reads, else the
reason why not.
"""

import json
import logging
import re
import sys

import sqlglot
from sqlglot import exp

WRITES = (exp.Alter, exp.Create, exp.Delete, exp.Drop, exp.Insert, exp.Into, exp.Merge, exp.TruncateTable, exp.Update)
OPTIONS = re.compile(r"\((?:type|format)\b[^()]*\)", re.IGNORECASE)


def judge(sql: str, only_queries: bool = False) -> str | None:
    try:
        trees = [tree for tree in sqlglot.parse(sql, read="athena") if not isinstance(tree, (exp.Semicolon, type(None)))]
    except sqlglot.errors.SqlglotError as error:
        return type(error).__name__
    if len(trees) != 1:
        return f"{len(trees)} statements"
    tree = trees[0]
    if isinstance(tree, exp.Command):
        return "no query" if only_queries else judge_command(tree)
    if any(tree.find(write) for write in WRITES):
        return "it writes"
    return None if isinstance(tree, (exp.Query, exp.Values, exp.Describe, exp.Show)) else type(tree).__name__


def judge_command(command: exp.Command) -> str | None:
    """SHOW and EXPLAIN are not parsed further; what EXPLAIN explains is."""
    name = command.name.upper()
    if name in ("SHOW", "DESCRIBE", "DESC"):
        return None
    if name != "EXPLAIN":
        return name
    explained = command.expression.name if command.expression else ""
    options = OPTIONS.match(explained.lstrip())
    if options:
        explained = explained.lstrip()[options.end() :]
    return judge(explained, only_queries=True)


def main() -> None:
    logging.disable(logging.CRITICAL)
    json.dump([judge(sql) for sql in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
