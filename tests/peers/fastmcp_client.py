"""FastMCP's client talks to a running server, in both eras of the protocol: `python fastmcp_client.py DEV_JSON`.

Prints what it saw as one JSON line; the first failed check ends it with a non-zero code. It stands on the SDK of `client.py`,
which looks closer at the tools; here it is how this client lists, calls, fails and is told.
"""

import json
import sys
from pathlib import Path

import anyio
from fastmcp import Client
from fastmcp.exceptions import ToolError
from mcp import MCPError

# What the client is told to do, and the protocol version that must come of it.
MODES = {"auto": "2026-07-28", "legacy": "2025-11-25"}

DEV = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
BUCKET = DEV["buckets"]["shared"]


def check(condition, *told):
    """Like `assert`, but not to be switched off."""
    if not condition:
        raise AssertionError(" ".join(str(part) for part in told) or "it does not hold")


def connected(mode, user=None):
    """A client that sends this user's token, or none."""
    return Client(DEV["mcp_url"], auth=user and DEV["users"][user]["token"], mode=mode, timeout=60)


async def without_a_token(mode, seen):
    async with connected(mode) as client:
        protocol = client.session.protocol_version
        check(protocol == MODES[mode], protocol)
        tools = await client.list_tools()
        check({"bucket_list", "package_create"} <= {tool.name for tool in tools}, tools)
        seen.update(protocol=protocol, tools=len(tools))
        try:
            answer = await client.call_tool("auth_status")
        except MCPError as refused:
            check(refused.error.data["error_code"] == "missing_jwt", refused)
            seen["without_token"] = refused.error.message
        else:
            check(False, "a call without a token was answered:", answer)


async def as_writer(mode, seen):
    async with connected(mode, "writer") as client:
        key, text = f"peers/fastmcp {mode}.txt", "Grüße aus FastMCP\n"
        put = await client.call_tool("bucket_objects_put", {"bucket": BUCKET, "items": [{"key": key, "text": text}]})
        [written] = put.structured_content["results"]
        read = await client.call_tool("bucket_object_text", {"s3_uri": written["s3_uri"]})
        check(read.structured_content["text"] == text, read)

        reports = []

        async def told(progress, total, _message):
            reports.append((progress, total))

        arguments = {"bucket": BUCKET, "name": f"peers/fastmcp-{mode}", "source_bucket": BUCKET, "source_prefix": "plankton/"}
        made = await client.call_tool("package_create_from_s3", arguments, progress_handler=told)
        check(made.structured_content["entries_added"] == 5, made)
        check(reports and reports == sorted(set(reports)), "progress:", reports)

        contents = await client.read_resource(f"s3://{BUCKET}/plankton/README.md")
        check(contents[0].text.startswith("#"), contents)
        seen.update(written=written["s3_uri"], reports=len(reports))


async def as_reader(mode, seen):
    async with connected(mode, "reader") as client:
        arguments = {"bucket": BUCKET, "items": [{"key": "peers/not-mine.txt", "text": "no"}]}
        try:
            answer = await client.call_tool("bucket_objects_put", arguments)
        except ToolError as refused:
            check("access_denied" in str(refused) and "s3:PutObject" in str(refused), refused)
            seen["refused"] = json.loads(str(refused))["error"]
        else:
            check(False, "a denied write was no error:", answer)


async def main():
    for mode in MODES:
        seen = {"peer": "fastmcp", "mode": mode}
        await without_a_token(mode, seen)
        await as_writer(mode, seen)
        await as_reader(mode, seen)
        print(json.dumps(seen, ensure_ascii=False))


anyio.run(main)
