"""Lets an agent call tools of a running server for a scripted model: `python run.py CLIENT DEV_JSON NODE_MODULES [TOKEN]`.

Prints what the model got as one line of JSON, and fails if that is not as it should be (`expectations.py`). The agents
have a home and settings of their own, and reach nothing but the provider and the server. With TOKEN in place of the
reader's, or `none`, nothing is expected: the report shows what a person and a model are told then.
"""

import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import urllib.request
import zlib
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from expectations import faults_of
from provider import MODEL, Provider

# Agents start slowly on a busy machine; this is for one that hangs.
TIMEOUT = 300
PROMPT = "Call the tools."
SMALL, LARGE = "plankton/images/gradient.png", "peers/large.png"
SAMPLE = Path(__file__).parents[3] / "src/dev/samples/gradient.png"


def claude_code(home, modules, provider, url, token):
    """With `--strict-mcp-config` it knows this server alone; its search for tools would hide them from the script."""
    server = {"type": "http", "url": url, "headers": headers(token)}
    (home / "mcp.json").write_text(json.dumps({"mcpServers": {"quilt": server}}), encoding="utf-8")
    # Its launcher is a placeholder until the package's install script has run; this is the program itself.
    [program] = modules.glob("@anthropic-ai/claude-code-*/claude")
    return [
        program, "-p", PROMPT, "--model", MODEL, "--mcp-config", home / "mcp.json", "--strict-mcp-config",
        "--allowedTools", "mcp__quilt", "--output-format", "json",
    ], {
        "ANTHROPIC_BASE_URL": provider.url, "ANTHROPIC_API_KEY": "unused", "CLAUDE_CONFIG_DIR": str(home / "claude"),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1", "ENABLE_TOOL_SEARCH": "false",
    }


def codex(home, modules, provider, url, token):
    """The token is a variable's, as it is in most people's settings."""
    bearer = 'bearer_token_env_var = "QUILT_TOKEN"' if token else ""
    (home / "config.toml").write_text(f"""
model = "{MODEL}"
model_provider = "{MODEL}"
check_for_update_on_startup = false
[analytics]
enabled = false
[model_providers.{MODEL}]
name = "{MODEL}"
base_url = "{provider.url}/v1"
wire_api = "responses"
[mcp_servers.quilt]
url = "{url}"
{bearer}
""", encoding="utf-8")
    [program] = modules.glob("@openai/codex-*/vendor/*/bin/codex")
    return [
        program, "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "--json", PROMPT,
    ], {"CODEX_HOME": str(home), **({"QUILT_TOKEN": token} if token else {})}


def gemini_cli(home, modules, provider, url, token):
    """Servers are off in a folder that is not trusted."""
    server = {"httpUrl": url, "headers": headers(token)}
    settings = {
        "mcpServers": {"quilt": server}, "security": {"auth": {"selectedType": "gemini-api-key"}},
        "privacy": {"usageStatisticsEnabled": False}, "general": {"enableAutoUpdate": False},
    }
    (home / ".gemini").mkdir()
    (home / ".gemini/settings.json").write_text(json.dumps(settings), encoding="utf-8")
    return [
        "node", modules / "@google/gemini-cli/bundle/gemini.js", "--yolo", "--model", MODEL, "--output-format", "json",
        "--prompt", PROMPT,
    ], {"GEMINI_API_KEY": "unused", "GOOGLE_GEMINI_BASE_URL": provider.url, "GEMINI_CLI_TRUST_WORKSPACE": "true"}


def openai_agents(home, _modules, provider, url, token):
    """The SDK has no program; this is the one that its documentation shows."""
    script = Path(__file__).with_name("agents_client.py")
    arguments = json.dumps({"url": url, "headers": headers(token), "model": MODEL, "prompt": PROMPT})
    return [sys.executable, script, arguments], {
        "OPENAI_BASE_URL": f"{provider.url}/v1", "OPENAI_API_KEY": "unused", "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


CLIENTS = {"claude-code": claude_code, "codex": codex, "gemini-cli": gemini_cli, "openai-agents": openai_agents}


def headers(token):
    return {"Authorization": f"Bearer {token}"} if token else {}


def main(client, dev_json, modules, token=None):
    dev = json.loads(Path(dev_json).read_text(encoding="utf-8"))
    reader = dev["users"]["reader"]["token"]
    large = noise(320)
    calls, expected = prepared(dev, large)
    provider = Provider(list(calls.values()))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "work").mkdir()
        used = {None: reader, "none": ""}.get(token, token)
        arguments, variables = CLIENTS[client](home, Path(modules), provider, dev["mcp_url"], used)
        ended = subprocess.run(
            arguments, env=environment(home, provider) | variables, cwd=home / "work", stdin=subprocess.DEVNULL,
            capture_output=True, text=True, encoding="utf-8", errors="replace", timeout=TIMEOUT,
        )
    provider.close()
    report = {
        "client": client, "code": ended.returncode, "got": dict(zip(calls, provider.results, strict=False)),
        "expected": expected, "unknown": provider.unknown, "outside": sorted(set(provider.outside)),
        "stdout": ended.stdout, "stderr": ended.stderr,
    }
    faults = faults_of(report) if token is None else []
    print(json.dumps(shortened(report), ensure_ascii=False))
    if faults:
        raise SystemExit("\n".join(faults))


def prepared(dev, large):
    """The calls, and what a model should get of them. A large picture is written to S3 for them."""
    url, shared, private = dev["mcp_url"], dev["buckets"]["shared"], dev["buckets"]["private"]
    reader, writer = (dev["users"][name]["token"] for name in ("reader", "writer"))
    item = {"key": LARGE, "data": b64encode(large).decode(), "content_type": "image/png"}
    put = call(url, writer, "bucket_objects_put", {"bucket": shared, "items": [item]})
    if put.get("isError"):
        raise SystemExit(f"the large picture cannot be written: {put}")
    optional = ("prefix", "delimiter", "max_keys", "continuation_token")
    calls = {
        "small picture": ("bucket_object_fetch", {"s3_uri": f"s3://{shared}/{SMALL}"}),
        "large picture": ("bucket_object_fetch", {"s3_uri": f"s3://{shared}/{LARGE}"}),
        "denied": ("bucket_objects_list", {"bucket": private}),
        "nulls": ("bucket_objects_list", {"bucket": shared} | dict.fromkeys(optional)),
        "unknown argument": ("bucket_list", {"colour": "blue"}),
        "plain": ("bucket_list", {}),
    }
    pictures = {"small picture": SAMPLE.read_bytes(), "large picture": large}
    expected = {
        name: {"type": "image", "mime_type": "image/png", "bytes": len(it), "sha256": sha256(it).hexdigest()}
        for name, it in pictures.items()
    }
    for name in ("denied", "unknown argument"):
        expected[name] = call(url, reader, *calls[name])["structuredContent"]["error"]
    return calls, expected


def shortened(report):
    """The report without the length of what the clients print and of the texts that a model gets."""
    short = {
        name: it | {"parts": [part | {"text": part["text"][:1000]} if "text" in part else part for part in it["parts"]]}
        for name, it in report["got"].items()
    }
    return report | {"got": short, "stdout": report["stdout"][-4000:], "stderr": report["stderr"][-4000:]}


def environment(home, provider):
    """All variables of an agent but its own: everything that is not on loopback goes to the provider, which refuses."""
    proxy = {name: provider.url for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")}
    direct = {name: "127.0.0.1,localhost" for name in ("no_proxy", "NO_PROXY")}
    return {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home)} | proxy | direct


def call(url, token, tool, arguments):
    """Calls a tool without an SDK."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    kinds = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    request = urllib.request.Request(url, json.dumps(body).encode(), kinds | headers(token))
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as response:
        return json.load(response)["result"]


def noise(side):
    """A PNG of random pixels, which do not compress: three bytes each."""
    pixels = random.Random(side)
    rows = b"".join(b"\0" + pixels.randbytes(3 * side) for _ in range(side))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


if __name__ == "__main__":
    main(*sys.argv[1:])
