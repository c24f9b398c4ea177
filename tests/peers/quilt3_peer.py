"""The real quilt3 does what it is told: `python quilt3_peer.py SETTINGS_JSON`.

Reads one JSON object a line from standard input, {"do": NAME, …}, and answers each with one line: what the function of that
name below returned, or {"error": "Type: message"} where quilt3 refused it. Any other error ends the program.
"""

import base64
import hashlib
import json
import os
import sys
import tempfile
import time
import types
from pathlib import Path

from quilt3_settle import settle

SETTINGS = json.loads(sys.argv[1])
BUCKET = SETTINGS["bucket"]
REGISTRY = f"s3://{BUCKET}"
ANSWERS = sys.stdout
# quilt3 tells people what it does.
sys.stdout = open(os.devnull, "w", encoding="utf-8")

settle(
    SETTINGS["home"],
    SETTINGS["endpoint"],
    "us-east-1",
    SETTINGS["access_key_id"],
    SETTINGS["secret_access_key"],
    SETTINGS.get("session_token"),
)

# quilt3 reads the environment when it is imported.
import boto3  # noqa: E402
import quilt3  # noqa: E402
from quilt3.backends import base  # noqa: E402

S3 = boto3.client("s3")
LAST = 0.0


def tick():
    """quilt3 names revisions by the second and overwrites what has the same name, so here no two seconds are the same."""
    global LAST
    LAST = max(time.time(), LAST + 1)
    return LAST


base.time = types.SimpleNamespace(time=tick)


def content(file):
    """The bytes of a file: given in Base64, or a pattern repeated up to a size."""
    if "data" in file:
        return base64.b64decode(file["data"])
    pattern = bytes(range(251))
    return (pattern * (file["size"] // len(pattern) + 1))[: file["size"]]


def told_meta(told):
    """Metadata that is told as a value, or as the JSON text that keeps its numbers."""
    return json.loads(told["meta_text"]) if "meta_text" in told else told.get("meta")


def assembled(told, folder):
    """The package that is told: on top of a revision, or a new one."""
    onto = told.get("onto")
    package = quilt3.Package.browse(onto["name"], REGISTRY, onto.get("hash")) if onto else quilt3.Package()
    for number, file in enumerate(told.get("files", [])):
        place = file.get("uri")
        if place is None:
            place = Path(folder) / str(number)
            place.write_bytes(content(file))
        package.set(file["key"], str(place), meta=told_meta(file))
    for key in told.get("remove", []):
        package.delete(key)
    if "meta" in told or "meta_text" in told:
        package.set_meta(told_meta(told))
    package._meta.update(told.get("header", {}))
    return package


def push(told):
    with tempfile.TemporaryDirectory() as folder:
        package = assembled(told, folder)
        options = {name: told[name] for name in ("message", "workflow", "force") if name in told}
        if told.get("copy") is False:
            options["selector_fn"] = lambda *_: False
        if "directories" not in told:
            pushed = package.push(told["name"], REGISTRY, **options)
            return {"hash": pushed.top_hash, "header": pushed._meta}
        # quilt3's push drops the metadata of directories. Its build keeps them; catalogs write packages by it.
        pushed = package.push("pushed/first", REGISTRY, **options)
        for path, meta in told["directories"].items():
            pushed[path].set_meta(json.loads(meta) if isinstance(meta, str) else meta)
        return {"hash": pushed._build(told["name"], REGISTRY, told.get("message")), "header": pushed._meta}


def list_packages(_):
    return sorted(quilt3.list_packages(REGISTRY))


def versions(told):
    return dict(quilt3.list_package_versions(told["name"], REGISTRY))


def browse(told):
    package = quilt3.Package.browse(told["name"], REGISTRY, told.get("hash"))
    entries = [
        {"key": key, "uri": str(entry.physical_key), "size": entry.size, "hash": entry.hash, "meta": entry._meta}
        for key, entry in package.walk()
    ]
    directories = dict(package._walk_dir_meta())
    # quilt3 computes it from the header and the entries; what the manifest is called does not go into it.
    return {"hash": package.top_hash, "header": package._meta, "entries": entries, "directories": directories}


def metadata_texts(told):
    """All metadata of a package as JSON texts, whose numbers are written as Python does."""
    package = quilt3.Package.browse(told["name"], REGISTRY, told.get("hash"))

    def text(meta):
        return json.dumps(meta, separators=(",", ":"))

    return {
        "hash": package.top_hash,
        "package": text(package.meta),
        "entries": {key: text(entry.meta) for key, entry in package.walk()},
        "directories": {path: text(meta) for path, meta in package._walk_dir_meta()},
    }


def files(folder):
    found = (path for path in Path(folder).rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def verify(told):
    package = quilt3.Package.browse(told["name"], REGISTRY, told.get("hash"))
    with tempfile.TemporaryDirectory() as folder:
        package.fetch(folder)
        fetched, verified = files(folder), package.verify(folder)
        victim = Path(folder) / max(fetched)
        victim.write_bytes(bytes(byte ^ 1 for byte in victim.read_bytes()) or b"x")
        return {"verified": verified, "notices_damage": not package.verify(folder), "files": fetched}


def install(told):
    with tempfile.TemporaryDirectory() as folder:
        quilt3.Package.install(told["name"], REGISTRY, told.get("hash"), dest=folder)
        return {"files": files(folder), "hash": quilt3.Package.browse(told["name"]).top_hash}


def diff(told):
    one, other = (quilt3.Package.browse(told["name"], REGISTRY, told[side]) for side in ("from", "to"))
    added, modified, deleted = one.diff(other)
    return {"added": sorted(added), "changed": sorted(modified), "removed": sorted(deleted)}


def delete(told):
    quilt3.delete_package(told["name"], REGISTRY, told.get("hash"))


def rollback(told):
    quilt3.Package.rollback(told["name"], REGISTRY, told["hash"])


def pointers(told):
    prefix = f".quilt/named_packages/{told['name']}/"
    keys = [found["Key"] for found in S3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]
    return {key.removeprefix(prefix): S3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode() for key in keys}


def put(told):
    """An object, with a checksum of the whole where one is asked for."""
    options = {"ChecksumAlgorithm": told["checksum"]} if "checksum" in told else {}
    bucket = told.get("bucket", BUCKET)
    return {"version_id": S3.put_object(Bucket=bucket, Key=told["key"], Body=content(told), **options).get("VersionId")}


def head(told):
    head = S3.head_object(Bucket=BUCKET, Key=told["key"], ChecksumMode="ENABLED")
    return {"sha256": head.get("ChecksumSHA256"), "size": head["ContentLength"]}


ALL = (push, list_packages, versions, browse, metadata_texts, verify, install, diff, delete, rollback, pointers, put, head)
DOES = {do.__name__: do for do in ALL}

for line in sys.stdin:
    question = json.loads(line)
    try:
        answer = {"answer": DOES[question["do"]](question)}
    except quilt3.util.QuiltException as error:
        answer = {"error": f"{type(error).__name__}: {error}"[:1000]}
    ANSWERS.write(json.dumps(answer) + "\n")
    ANSWERS.flush()
