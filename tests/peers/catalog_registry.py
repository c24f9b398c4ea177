"""A registry's accounts and Tabulator by graphql-core, for a test that speaks HTTP for it.

Reads one JSON object a line: {"load": {...}} replaces the data; {"date", "query", "variables"} is answered with
{"body", "refused"}, by the schema of that date: the excerpts until then, of which each adds to the ones before. Documents are
validated and executed by graphql-core, so that every document of the server meets that program's rules and words.
"""

import json
import pathlib
import sys

import graphql

SCHEMAS = pathlib.Path(__file__).parent / "catalog_schemas"


class Registry:
    def __init__(self):
        self.data = {}
        self.schemas = {}

    def schema(self, date):
        if date not in self.schemas:
            files = sorted(path for path in SCHEMAS.glob("*.graphql") if path.stem <= date)
            self.schemas[date] = graphql.build_schema("\n".join(path.read_text() for path in files))
        return self.schemas[date]

    def answer(self, request):
        admin = {
            "tabulatorOpenQuery": lambda info: self.data.get("open_query", False),
            "bucketSetTabulatorTable": lambda info, **a: self.set_table(**a),
            "bucketRenameTabulatorTable": lambda info, **a: self.rename_table(**a),
        }
        root = {
            "me": lambda info: self.data.get("me"),
            "switchRole": lambda info, roleName: self.switch(roleName),
            "bucketConfig": lambda info, name: self.bucket(name),
            "bucketAccessCounts": lambda info, bucket, window: self.counts("bucket", window),
            "objectAccessCounts": lambda info, bucket, key, window: self.counts(key, window),
            "package": lambda info, bucket, name: self.package(name),
            "admin": lambda info: self.admin(admin),
            "bucketSetTabulatorTable": lambda info, **a: self.set_table(**a),
            "bucketRenameTabulatorTable": lambda info, **a: self.rename_table(**a),
        }
        result = graphql.graphql_sync(
            self.schema(request["date"]), request["query"], root, variable_values=request.get("variables")
        )
        errors = [error.formatted for error in result.errors or []]
        is_refused = result.data is None and not any(error.get("path") for error in errors)
        return {"data": result.data, "errors": errors} if errors else {"data": result.data}, is_refused

    def admin(self, fields):
        if not self.data["me"]["isAdmin"]:
            raise RuntimeError("Access denied")
        return fields

    def switch(self, role):
        canned = self.data.get("answer")
        if canned is not None:
            return canned
        self.data["me"]["role"] = {"name": role}
        return {"__typename": "Me", **self.data["me"]}

    def bucket(self, name):
        tables = self.data.get("tables", {}).get(name)
        if tables is None:
            return None
        tables = [{"name": table, "config": config} for table, config in tables.items()]
        return {"__typename": "BucketConfig", "name": name, "title": name, "tabulatorTables": tables}

    def counts(self, what, window):
        counts = self.data.get("counts", {}).get(what)
        if counts is None or "byExt" not in counts:
            return counts
        return {**counts, "byExt": lambda info, groups: counts["byExt"][:groups]}

    def package(self, name):
        package = self.data.get("packages", {}).get(name)
        if package is None:
            return None
        return {
            "bucket": "b",
            "name": name,
            "accessCounts": lambda info, window: self.counts(name, window),
            "revision": lambda info, hashOrTag: self.revision(package, hashOrTag),
        }

    def revision(self, package, wanted):
        if wanted not in package:
            return None
        return {"hash": package[wanted], "accessCounts": lambda info, window: self.counts(package[wanted], window)}

    def set_table(self, bucketName, tableName, config=None):
        canned = self.data.get("answer")
        if canned is not None:
            return canned
        tables = self.data["tables"][bucketName]
        if config is None:
            tables.pop(tableName, None)
        else:
            tables[tableName] = config
        return self.bucket(bucketName)

    def rename_table(self, bucketName, tableName, newTableName):
        canned = self.data.get("answer")
        if canned is not None:
            return canned
        tables = self.data["tables"][bucketName]
        tables[newTableName] = tables.pop(tableName)
        return self.bucket(bucketName)


def main():
    registry = Registry()
    for line in sys.stdin:
        request = json.loads(line)
        if "load" in request:
            registry.data = request["load"]
            answer = {}
        else:
            body, is_refused = registry.answer(request)
            answer = {"body": body, "refused": is_refused}
        print(json.dumps(answer), flush=True)


main()
