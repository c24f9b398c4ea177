"""An OTLP receiver over HTTP: reads what it is sent with OpenTelemetry's own message classes, and shows it as JSON.

With the files of a certificate and its key as arguments, it speaks TLS.
"""

import gzip
import json
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

KINDS = {
    "/v1/traces": (ExportTraceServiceRequest, ExportTraceServiceResponse),
    "/v1/metrics": (ExportMetricsServiceRequest, ExportMetricsServiceResponse),
}
seen = {"/v1/traces": [], "/v1/metrics": [], "headers": []}


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path not in KINDS or self.headers["content-type"] != "application/x-protobuf":
            return self.answer(400, b"")
        if self.headers["content-encoding"] == "gzip":
            body = gzip.decompress(body)
        request, response = KINDS[self.path]
        seen[self.path].append(MessageToDict(request.FromString(body)))
        seen["headers"].append({name.lower(): value for name, value in self.headers.items()})
        self.answer(200, response().SerializeToString())

    def do_GET(self):
        self.answer(200, json.dumps(seen).encode())

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, *_):
        """A client that does not trust the certificate hangs up."""


server = Server(("127.0.0.1", 0), Receiver)
scheme = "http"
if len(sys.argv) == 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*sys.argv[1:])
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    scheme = "https"
print(f"{scheme}://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
