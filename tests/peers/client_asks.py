"""The Python SDK's client asks its user what the server wants to know: `python client_asks.py DEV_JSON`.

Prints each question as one JSON line; the first failed assertion ends it with a non-zero code.
"""

import json
import sys
from pathlib import Path

import anyio
import httpx2
from mcp import Client, types
from mcp.client.streamable_http import streamable_http_client

DEV = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
BUCKET = DEV["buckets"]["shared"]
PACKAGE = {"bucket": BUCKET, "name": "peers/asked"}


def equal(left, right):
    if left != right:
        raise AssertionError(f"{left!r} is not {right!r}")


async def call(client, name, arguments, error_code=None):
    """Calls a tool that must succeed, or fail with this code."""
    result = await client.call_tool(name, arguments)
    equal((result.is_error, result.structured_content.get("error_code")), (error_code is not None, error_code))
    return result.structured_content


async def main():
    answers = []

    async def user(_context, question):
        print(json.dumps({"message": question.message, "form": question.requested_schema}), flush=True)
        return answers.pop(0)

    def file(key):
        return {**PACKAGE, "files": [f"s3://{BUCKET}/plankton/{key}"]}

    yes = types.ElicitResult(action="accept", content={"confirm": True})
    no = types.ElicitResult(action="decline")
    headers = {"Authorization": f"Bearer {DEV['users']['writer']['token']}"}
    async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
        transport = streamable_http_client(DEV["mcp_url"], http_client=http)
        async with Client(transport, elicitation_callback=user) as client:
            equal(client.protocol_version, "2026-07-28")
            await call(client, "package_create", file("README.md"))
            answers.append(yes)
            replaced = await call(client, "package_create", file("images/gradient.png"))
            equal(replaced["diff"], {"added": 1, "changed": 0, "removed": 1})

            answers.append(no)
            await call(client, "package_delete", PACKAGE, "confirmation_required")
            await call(client, "package_browse", PACKAGE)

            answers.append(yes)
            await call(client, "package_delete", PACKAGE)
            await call(client, "package_browse", PACKAGE, "no_such_package")
            equal(answers, [])


anyio.run(main)
