"""Parses blocks of code: a JSON array of `language`, `code` and `place` on standard input. Prints a line for each that fails."""

import ast
import json
import sys
import tomllib

import hcl2
import yaml


def python(code):
    compile(code, "block", "exec", flags=ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


PARSERS = {"hcl": hcl2.loads, "python": python, "toml": tomllib.loads, "yaml": yaml.safe_load}

for block in json.load(sys.stdin):
    try:
        PARSERS[block["language"]](block["code"])
    except Exception as error:  # each parser has errors of its own
        print(f"{block['place']}: {error}")
