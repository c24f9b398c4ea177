"""Prints the deployment template and the Terraform module over it as JSON: `python deployment.py TEMPLATE MODULE`."""

import json
import sys
from pathlib import Path

import cfnlint.decode
import hcl2


def plain(value):
    """Strings of HCL keep their quotation marks; expressions stand in `${…}`."""
    if isinstance(value, dict):
        return {plain(name): plain(member) for name, member in value.items() if not name.startswith("__")}
    if isinstance(value, list):
        return [plain(member) for member in value]
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1]
    return value


template, faults = cfnlint.decode.decode(sys.argv[1])
assert not faults, faults
variables, module = {}, {}
for path in sorted(Path(sys.argv[2]).glob("*.tf")):
    part = plain(hcl2.loads(path.read_text(encoding="utf-8")))
    for variable in part.pop("variable", []):
        variables |= variable
    module |= part
[stack] = [body for kind in module["resource"] for resource in kind.values() for body in resource.values()]
print(json.dumps({
    "template": template,
    "module": {
        "variables": variables,
        "parameters": stack["parameters"],
        "template": module["locals"][0]["template"],
    },
}))
