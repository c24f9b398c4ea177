"""The Python SDK's client talks to a running server, in both eras of the protocol: `python client.py DEV_JSON [MCP_URL]`.

Prints what it saw as one JSON line; the first failed assertion ends it with a non-zero code.
"""

import base64
import contextlib
import hashlib
import json
import sys
from pathlib import Path

import anyio
import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

# What the client is told to do, and the protocol version that must come of it.
MODES = {"auto": "2026-07-28", "2026-07-28": "2026-07-28", "legacy": "2025-11-25"}

TOOLS = {
    "auth_status",
    "bucket_access_check",
    "bucket_list",
    "bucket_object_fetch",
    "bucket_object_info",
    "bucket_object_link",
    "bucket_object_text",
    "bucket_objects_list",
    "bucket_objects_put",
    "package_browse",
    "package_create",
    "package_create_from_s3",
    "package_delete",
    "package_diff",
    "package_list",
    "package_templates",
    "package_update",
    "package_verify",
    "package_versions",
    "permissions_discover",
    "permissions_recommendations",
    "workflow_list",
}

DEV = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
URL = sys.argv[2] if len(sys.argv) > 2 else DEV["mcp_url"]
BUCKET = DEV["buckets"]["shared"]


def check(condition, *told):
    """Like `assert`, but not to be switched off."""
    if not condition:
        raise AssertionError(" ".join(str(part) for part in told) or "it does not hold")


def equal(left, right, *told):
    check(left == right, *told, f"{left!r} is not {right!r}")


@contextlib.asynccontextmanager
async def connected(mode, user=None):
    """A client that sends this user's token, or none."""
    headers = {} if user is None else {"Authorization": f"Bearer {DEV['users'][user]['token']}"}
    async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
        async with Client(streamable_http_client(URL, http_client=http), mode=mode) as client:
            yield client


async def call(client, name, arguments, **options):
    """Calls a tool that must succeed. The client checks the result against the tool's output schema."""
    result = await client.call_tool(name, arguments, **options)
    check(not result.is_error, name, result.structured_content)
    [text] = [json.loads(block.text) for block in result.content if block.type == "text"]
    equal(text["success"], True, name)
    if result.content[0].type == "image":
        # A client that finds a structured result shows no image.
        equal(result.structured_content, None, name)
        result.structured_content = text
    equal(text, result.structured_content, name)
    return result


async def without_a_token(mode, seen):
    async with connected(mode) as client:
        equal(client.protocol_version, MODES[mode])
        # With a version pinned the client asks nothing beforehand, not even whom it talks to.
        server = client.server_info and client.server_info.name
        equal(server, None if mode == MODES[mode] else "quilt-mcp")
        names = {tool.name for tool in (await client.list_tools()).tools}
        equal(TOOLS - names, set(), "not listed:")
        seen.update(protocol=client.protocol_version, tools=len(names), server=server)
        try:
            answer = await client.call_tool("auth_status", {})
        except MCPError as refused:
            equal(refused.error.data["error_code"], "missing_jwt")
            seen["without_token"] = refused.error.message
        else:
            check(False, "a call without a token was answered:", answer)


async def as_writer(mode, seen):
    async with connected(mode, "writer") as client:
        equal(client.protocol_version, MODES[mode])
        status = (await call(client, "auth_status", {})).structured_content
        equal(status["credential_source"], "catalog")
        equal(status["subject"], "writer")

        arguments = {"bucket": BUCKET, "prefix": "plankton/"}
        listed = (await call(client, "bucket_objects_list", arguments)).structured_content
        keys = [found["key"] for found in listed["objects"]]
        check("plankton/données/été 2026.csv" in keys, keys)
        equal(listed["returned"], len(keys))

        key, text = f"peers/python {mode} – été.txt", "Grüße aus Python\nline two \U0001f9a0\n"
        items = [{"key": key, "text": text}]
        put = (await call(client, "bucket_objects_put", {"bucket": BUCKET, "items": items})).structured_content
        [written] = put["results"]
        equal(written["size"], len(text.encode()))
        check(written["version_id"], "the bucket is versioned")
        read = (await call(client, "bucket_object_text", {"s3_uri": written["s3_uri"]})).structured_content
        equal(read["text"], text)

        info = (await call(client, "bucket_object_info", {"s3_uri": written["s3_uri"]})).structured_content["object"]
        equal(info["version_id"], written["version_id"])
        link = (await call(client, "bucket_object_link", {"s3_uri": written["s3_uri"]})).structured_content
        equal(httpx2.get(link["url"]).text, text)
        buckets = (await call(client, "bucket_list", {})).structured_content["buckets"]
        check(BUCKET in [found["name"] for found in buckets], buckets)
        found = (await call(client, "permissions_discover", {"probe_write": True})).structured_content
        equal(found["categorized_buckets"]["write_access"], [BUCKET])
        equal((await call(client, "permissions_recommendations", {})).structured_content["recommendations"], [])

        fetched = await call(client, "bucket_object_fetch", {"s3_uri": f"s3://{BUCKET}/plankton/images/gradient.png"})
        [image] = [block for block in fetched.content if block.type == "image"]
        equal(image.mime_type, "image/png")
        content = base64.b64decode(image.data)
        equal(content[:4], b"\x89PNG")
        equal(len(content), fetched.structured_content["size"])

        reports = []

        async def told(progress, total, _message):
            reports.append((progress, total))

        arguments = {"bucket": BUCKET, "name": f"peers/python-{mode}", "source_bucket": BUCKET, "source_prefix": "plankton/"}
        made = await call(client, "package_create_from_s3", arguments, progress_callback=told)
        equal(made.structured_content["entries_added"], 5)
        check(reports, "nothing was told of the progress")
        equal(reports, sorted(set(reports)), "progress goes on:")
        check(all(progress <= total for progress, total in reports), reports)

        items = [{"key": "peers/half.txt", "text": "good"}, {"key": "", "text": "a key is missing"}]
        half = await client.call_tool("bucket_objects_put", {"bucket": BUCKET, "items": items, "dry_run": True})
        equal(half.is_error, True)
        equal([result["success"] for result in half.structured_content["results"]], [True, False])
        seen.update(written=written["s3_uri"], objects=len(keys), image=hashlib.sha256(content).hexdigest())


async def as_reader(mode, seen):
    async with connected(mode, "reader") as client:
        arguments = {"bucket": BUCKET, "items": [{"key": "peers/not-mine.txt", "text": "no"}]}
        result = await client.call_tool("bucket_objects_put", arguments)
        refused = result.structured_content
        equal(result.is_error, True)
        equal(refused["success"], False)
        equal(refused["error_code"], "access_denied")
        check("s3:PutObject" in refused["error"], refused["error"])
        equal(refused["credential_source"], "catalog")
        seen["refused"] = refused["error"]

        arguments = {"bucket_name": f"s3://{BUCKET}", "operations": ["list", "read", "write"]}
        access = (await call(client, "bucket_access_check", arguments)).structured_content
        equal(access["permission_level"], "read_access")
        equal(access["access_summary"], {"can_list": True, "can_read": True, "can_write": False})
        private = (await call(client, "bucket_access_check", {"bucket": DEV["buckets"]["private"]})).structured_content
        equal((private["accessible"], private["access_summary"]["can_list"]), (False, False))


async def main():
    for mode in MODES:
        seen = {"peer": "python", "mode": mode}
        await without_a_token(mode, seen)
        await as_writer(mode, seen)
        await as_reader(mode, seen)
        print(json.dumps(seen, ensure_ascii=False))


anyio.run(main)
