"""Quilt's own local catalog on loopback: `python quilt3_catalog.py DEV_JSON session|long-term`.

Starts quilt3-local's application, as `quilt3 catalog` does, with the rights of the writer of a running `dev`, and prints one
JSON line with its URL and what its registry vends. It serves until it is killed.

quilt3-local is unchanged, but its previews are left out: an empty application takes the place of its package `lambdas`,
whose readers of file formats are most of its dependencies. With keys of a session it vends those keys, without an end. With
long-term keys it asks STS for a session; the embedded STS does not have `GetSessionToken`, so this script answers it.
"""

import asyncio
import json
import os
import socket
import sys
import threading
import types
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

SESSION = """<GetSessionTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetSessionTokenResult><Credentials>
<AccessKeyId>{AccessKeyId}</AccessKeyId><SecretAccessKey>{SecretAccessKey}</SecretAccessKey>
<SessionToken>{SessionToken}</SessionToken><Expiration>{Expiration}</Expiration></Credentials></GetSessionTokenResult>
<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetSessionTokenResponse>"""


def writer_session(dev):
    """Returns the writer's temporary credentials, from the registry of `dev`."""
    headers = {"Authorization": f"Bearer {dev['users']['writer']['token']}"}
    request = urllib.request.Request(f"{dev['registry_url']}/api/auth/get_credentials", headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def start_sts(session):
    """Starts an STS that has only `GetSessionToken`, and returns its URL."""

    class Sts(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = self.rfile.read(int(self.headers["content-length"]))
            known = b"Action=GetSessionToken" in asked
            data = SESSION.format(**session).encode() if known else b""
            self.send_response(200 if known else 400)
            self.send_header("content-type", "text/xml")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Sts)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


def settings(dev, kind):
    """Returns the environment in which quilt3-local finds its credentials and S3."""
    session = writer_session(dev)
    shared = {
        "AWS_DEFAULT_REGION": dev["region"],
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_S3": dev["s3_endpoint"],
    }
    if kind == "session":
        return shared | {
            "AWS_ACCESS_KEY_ID": session["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
            "AWS_SESSION_TOKEN": session["SessionToken"],
        }
    admin = dev["users"]["admin"]
    return shared | {
        "AWS_ACCESS_KEY_ID": admin["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": admin["secret_access_key"],
        "AWS_ENDPOINT_URL_STS": start_sts(session),
    }


def application():
    """Returns quilt3-local's application, without its previews."""
    import fastapi

    [home] = find_spec("quilt3_local").submodule_search_locations
    previews = types.ModuleType("quilt3_local.lambdas")
    # The registry uses `lambdas.shared.utils`, which is there as it is.
    previews.__path__ = [os.path.join(home, "lambdas")]
    previews.lambdas = fastapi.FastAPI()
    sys.modules["quilt3_local.lambdas"] = previews
    from quilt3_local.main import app

    return app


async def serve(app):
    import uvicorn

    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://localhost:{listener.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    vended = await asyncio.to_thread(get, f"{url}/__reg/api/auth/get_credentials")
    print(json.dumps({"url": url, "expiration": vended["Expiration"]}), flush=True)
    await serving


def get(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)


def main():
    dev_json, kind = sys.argv[1:]
    os.environ.update(settings(json.loads(Path(dev_json).read_text(encoding="utf-8")), kind))
    asyncio.run(serve(application()))


if __name__ == "__main__":
    main()
