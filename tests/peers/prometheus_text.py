"""Reads Prometheus text with Prometheus's own parser, and shows it as JSON."""

import json
import sys

from prometheus_client.parser import text_string_to_metric_families

print(
    json.dumps(
        {
            family.name: {
                "type": family.type,
                "help": family.documentation,
                "samples": [[sample.name, sample.labels, sample.value] for sample in family.samples],
            }
            for family in text_string_to_metric_families(sys.stdin.read())
        }
    )
)
