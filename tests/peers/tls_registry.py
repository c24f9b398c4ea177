"""A registry behind TLS, whose certificate only its own authority vouches for.

Reads the credentials that it vends, as JSON, from standard input. Writes the authority's certificate to the folder that is
its argument, prints the port, and serves until it is killed.
"""

import http.server
import pathlib
import ssl
import subprocess
import sys

folder = pathlib.Path(sys.argv[1])
vended = sys.stdin.buffer.read()


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
authority = ["-subj", "/CN=an authority of the tests", "-days", "2"]
openssl("req", "-x509", *key, *authority, "-keyout", "ca.key", "-out", "ca.pem")
openssl("req", *key, "-subj", "/CN=registry", "-keyout", "registry.key", "-out", "registry.csr")
(folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
signed_by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"]
openssl("x509", "-req", "-in", "registry.csr", *signed_by, "-out", "registry.pem")


class Registry(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.path == "/api/auth/get_credentials"
        body = vended if known else b"{}"
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(folder / "registry.pem", folder / "registry.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
