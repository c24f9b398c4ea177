"""Checks a task definition, read from standard input, against what ECS's RegisterTaskDefinition takes.

The shape is botocore's model of the service: names, types and required members, and the values of enumerations, which
botocore itself leaves to the service. Prints a JSON list of what is wrong.
"""

import json
import sys

import botocore.session
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.validate import ParamValidator


def wrong_values(value: object, shape: Shape, place: str) -> list[str]:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        members = ((name, shape.members.get(name)) for name in value)
        found = [wrong_values(value[name], member, f"{place}.{name}") for name, member in members if member]
    elif isinstance(shape, ListShape) and isinstance(value, list):
        found = [wrong_values(item, shape.member, f"{place}[{index}]") for index, item in enumerate(value)]
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        found = [wrong_values(item, shape.value, f"{place}.{name}") for name, item in value.items()]
    else:
        choices = getattr(shape, "enum", [])
        found = [[f"{place} is {value!r}, not one of {choices}"]] if choices and value not in choices else []
    return [problem for problems in found for problem in problems]


definition = json.load(sys.stdin)
ecs = botocore.session.get_session().get_service_model("ecs")
shape = ecs.operation_model("RegisterTaskDefinition").input_shape
report = ParamValidator().validate(definition, shape)
problems = report.generate_report().splitlines() if report.has_errors() else []
print(json.dumps(problems + wrong_values(definition, shape, "task definition")))
