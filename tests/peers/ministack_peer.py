"""Runs a MiniStack on a free port of loopback until standard input is closed. Prints the port as its first line."""

import os
import socket
import sys
import tempfile
import threading


def main() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = tempfile.TemporaryDirectory()
    os.environ.update(
        BIND_HOST="127.0.0.1",
        GATEWAY_PORT=str(port),
        HOME=data.name,
        LOG_LEVEL="ERROR",
        S3_DATA_DIR=data.name,
        SERVICES="athena,glue,s3,sts",
        TMPDIR=data.name,
    )
    sys.argv = sys.argv[:1]

    def end_with_the_tests() -> None:
        sys.stdin.read()
        data.cleanup()
        os._exit(0)

    threading.Thread(target=end_with_the_tests, daemon=True).start()
    print(port, flush=True)
    from ministack.app import main as serve

    serve()


if __name__ == "__main__":
    main()
