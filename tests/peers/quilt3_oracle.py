"""The real quilt3 says what it makes of manifests and workflows: `python quilt3_oracle.py CASES`.

CASES is a file of JSON lines, one case each; for each, one JSON line is printed. No case ends the program: what quilt3
raises is an answer.

{"manifest": BASE64}
    -> {"top_hash", "canonical": BASE64, "dump": BASE64 or null} or {"error"}
{"config": TEXT or null, "schemas": {URL: TEXT}, "workflow": ID, null or absent, "name", "message", "manifest": BASE64}
    -> {"stored"} or {"error"}
"""

import base64
import io
import json
import os
import sys
import tempfile
from pathlib import Path

CONFIG = "s3://registry/.quilt/workflows/config.yml"


def load(quilt3, encoded):
    """Like `Package._from_path`, whose `open` splits lines at every kind of newline."""
    raw = io.BytesIO(base64.b64decode(encoded))
    return quilt3.Package._load(io.TextIOWrapper(raw, encoding="utf-8"))


def encode(data):
    return base64.b64encode(data).decode()


def manifest(quilt3, case):
    package = load(quilt3, case["manifest"])
    answer = {"top_hash": package.top_hash}
    canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
    answer["canonical"] = encode(
        "".join(canonical(part) for part in package._get_top_hash_parts(package._meta, package.walk())).encode()
    )
    dumped = io.BytesIO()
    try:
        package._dump(dumped)
        answer["dump"] = encode(dumped.getvalue())
    except Exception:
        answer["dump"] = None
    return answer


def workflow(quilt3, case):
    from quilt3 import workflows
    from quilt3.util import PhysicalKey

    def get(key):
        text = case["config"] if str(key) == CONFIG else case["schemas"].get(str(key))
        if text is None:
            raise FileNotFoundError(str(key))
        return text.encode(), PhysicalKey(key.bucket, key.path, "v1")

    class Registry:
        def get_workflow_config(self):
            return workflows.WorkflowConfig.load(PhysicalKey.from_url(CONFIG))

    workflows.get_bytes_and_effective_pk = get
    package = load(quilt3, case["manifest"])
    chosen = case["workflow"] if "workflow" in case else ...
    stored = workflows.validate(
        registry=Registry(), workflow=chosen, name=case["name"], pkg=package, message=case["message"]
    )
    return {"stored": stored}


def main():
    for name in [name for name in os.environ if name.startswith(("AWS_", "QUILT_", "XDG_"))]:
        del os.environ[name]
    os.environ.update(QUILT_DISABLE_USAGE_METRICS="true", QUILT_MINIMIZE_STDOUT="true")
    with tempfile.TemporaryDirectory() as home:
        os.environ["HOME"] = home
        # quilt3 reads the environment when it is imported.
        import quilt3

        for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            try:
                answer = workflow(quilt3, case) if "config" in case else manifest(quilt3, case)
            except Exception as error:
                answer = {"error": f"{type(error).__name__}: {error}"[:500]}
            sys.stdout.write(json.dumps(answer) + "\n")


main()
