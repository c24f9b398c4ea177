"""Commands of the program with a terminal as standard error: `terminal.py PROGRAM PACKAGE`, where PACKAGE has the arguments of
package_create_from_s3. Prints JSON: what the terminal showed of a manifest that is hashed, its hash, and the result of the
call."""

import json
import os
import pty
import select
import subprocess
import sys

program, package = sys.argv[1:]
ENTRY = {"physical_keys": ["s3://bucket/key"], "size": 1, "hash": {"type": "SHA256", "value": "0" * 64}, "meta": {}}


def with_terminal(arguments):
    screen, side = pty.openpty()
    process = subprocess.Popen([program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=side)
    os.close(side)
    return process, screen


def read(screen):
    try:
        return os.read(screen, 4096)
    except OSError:
        # The other side is closed.
        return b""


process, screen = with_terminal(["manifest", "hash", "-"])
shown = b""
process.stdin.write(b'{"version":"v0"}\n')
number = 0
while b"bytes read" not in shown:
    process.stdin.write(json.dumps({"logical_key": f"{number:09}", **ENTRY}).encode() + b"\n")
    process.stdin.flush()
    number += 1
    if select.select([screen], [], [], 0.05)[0]:
        shown += read(screen)
process.stdin.close()
printed = process.stdout.read().decode()
while more := read(screen):
    shown += more
assert process.wait() == 0, shown

call, screen = with_terminal(["call", "package_create_from_s3", package])
created, _ = call.communicate()
assert call.returncode == 0, (created, read(screen))
print(json.dumps({"shown": shown.decode(), "hash": printed, "created": json.loads(created)}))
