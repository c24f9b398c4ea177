"""A registry's search by graphql-core, for a test that speaks HTTP for it.

Reads one JSON object a line: {"load": {...}} replaces the data; {"date", "query", "variables"} is answered with
{"data", "errors"}, by the schema of that date. Documents are validated and executed by graphql-core, so that every document of
the server, and what it makes of errors, meets that program's rules and words.
"""

import base64
import json
import pathlib
import sys

import graphql

SCHEMAS = pathlib.Path(__file__).parent / "search_schemas"


class Registry:
    def __init__(self):
        self.data = {"packages": [], "objects": []}
        self.schemas = {}

    def schema(self, date):
        if date not in self.schemas:
            self.schemas[date] = graphql.build_schema((SCHEMAS / f"{date}.graphql").read_text())
        return self.schemas[date]

    def answer(self, request):
        date = request["date"]
        root = {
            "searchPackages": lambda info, **a: self.search("packages", date, a),
            "searchObjects": lambda info, **a: self.search("objects", date, a),
            "searchMorePackages": lambda info, **a: self.more("packages", date, a),
            "searchMoreObjects": lambda info, **a: self.more("objects", date, a),
        }
        result = graphql.graphql_sync(
            self.schema(date), request["query"], root, variable_values=request.get("variables")
        )
        errors = [error.formatted for error in result.errors or []]
        is_refused = result.data is None and not any(error.get("path") for error in errors)
        return {"data": result.data, "errors": errors} if errors else {"data": result.data}, is_refused

    def search(self, kind, date, a):
        canned = self.data.get("answer")
        if canned is not None:
            return canned
        query = a.get("searchString") or ""
        if query.count("(") != query.count(")"):
            error = {"path": "search.query", "message": f"Failed to parse query [{query}]", "name": "QuerySyntaxError"}
            return {"__typename": "InvalidInput", "errors": [error]}
        asked = {"buckets": a.get("buckets"), "query": query, "filter": a.get("filter"), "kind": kind}
        if kind == "packages":
            asked["latest"] = a.get("latestOnly", False)
            asked["meta"] = a.get("userMetaFilters")
        hits = self.hits(asked)
        if not hits:
            return {"__typename": "EmptySearchResultSet"}
        total = -1 if self.data.get("secure") else len(hits)
        stats = {"total": total, **self.data.get("stats", {})}
        return {
            "__typename": "PackagesSearchResultSet" if kind == "packages" else "ObjectsSearchResultSet",
            "total": total,
            "stats": stats,
            "filteredUserMetaFacets": lambda info, path, **_: [
                facet for facet in stats.get("userMeta", []) if path.lower() in facet["path"].lower()
            ],
            "firstPage": lambda info, size, order=None, ordering=None: self.first(asked, date, size, order or ordering),
        }

    def first(self, asked, date, size, order):
        if "first_page" in self.data:
            canned = self.data["first_page"]
            if isinstance(canned, str):
                raise RuntimeError(canned)
            return canned
        if order and order.startswith("usr:/unsortable"):
            error = {"path": "ordering", "message": "no such sort", "name": "UnsupportedSort"}
            return {"__typename": "InvalidInput", "errors": [error]}
        return self.page({**asked, "order": order}, date, 0, size)

    def more(self, kind, date, a):
        try:
            asked = json.loads(base64.b64decode(a["after"]))
            offset = asked.pop("offset")
        except ValueError:
            asked = {}
        if asked.get("kind") != kind or self.data.get("expired"):
            return {"__typename": "InvalidInput", "errors": [{"path": "after", "message": "bad cursor", "name": "Cursor"}]}
        return self.page(asked, date, offset, a["size"])

    def page(self, asked, date, offset, size):
        kind = asked["kind"]
        hits = self.hits(asked)
        after = offset + size
        cursor = base64.b64encode(json.dumps({**asked, "offset": after}).encode()).decode()
        page = [dict(hit) for hit in hits[offset:after]]
        for hit in page:
            if isinstance(hit.get("meta"), str) and date < "2025-07-18":
                hit["meta"] = json.loads(hit["meta"])
        return {
            "__typename": "PackagesSearchResultSetPage" if kind == "packages" else "ObjectsSearchResultSetPage",
            "cursor": cursor if after < len(hits) else None,
            "hits": page,
        }

    def hits(self, asked):
        kind = asked["kind"]
        words = asked["query"].rstrip("*").lower()
        found = []
        for hit in self.data[kind]:
            text = json.dumps(hit).lower()
            if asked["buckets"] is not None and hit["bucket"] not in asked["buckets"]:
                continue
            if words in text and self.fits(hit, asked):
                found.append(hit)
        order = asked.get("order") or ""
        name = "name" if kind == "packages" else "key"
        if order in ("LEX_ASC", "LEX_DESC", "sys:name:asc", "sys:name:desc"):
            found.sort(key=lambda hit: hit[name], reverse="desc" in order.lower())
        if order in ("NEWEST", "OLDEST", "sys:modified:desc", "sys:modified:asc"):
            found.sort(key=lambda hit: hit["modified"], reverse=order in ("NEWEST", "sys:modified:desc"))
        return found

    @staticmethod
    def fits(hit, asked):
        if asked.get("latest") and hit.get("pointer") != "latest":
            return False
        filters = asked["filter"] or {}
        deleted = filters.get("deleted")
        if deleted is not None and not deleted["true" if hit["deleted"] else "false"]:
            return False
        for name in ("size", "modified"):
            bounds = filters.get(name) or {}
            if bounds.get("gte") is not None and hit[name] < bounds["gte"]:
                return False
            if bounds.get("lte") is not None and hit[name] > bounds["lte"]:
                return False
        ext = filters.get("ext")
        if ext is not None and not any(hit["key"].endswith(term) for term in ext["terms"]):
            return False
        for condition in asked.get("meta") or []:
            value = json.loads(hit["meta"] or "{}").get(condition["path"][1:])
            keyword, number = condition.get("keyword"), condition.get("number")
            if keyword and keyword.get("terms") and value not in keyword["terms"]:
                return False
            if number and not (number.get("gte") or value) <= value <= (number.get("lte") or value):
                return False
        return True


def main():
    registry = Registry()
    for line in sys.stdin:
        request = json.loads(line)
        if "load" in request:
            registry.data = {"packages": [], "objects": [], **request["load"]}
            answer = {}
        else:
            body, is_refused = registry.answer(request)
            answer = {"body": body, "refused": is_refused}
        print(json.dumps(answer), flush=True)


main()
