"""The real quilt3 browses the sample package: `python quilt3_browse.py DEV_JSON`.

Prints what it saw as one JSON line; the first failed assertion ends it with a non-zero code.
"""

import json
import sys
import tempfile
from pathlib import Path

from quilt3_settle import check, settle

DEV = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
KEY = "données/été 2026.csv"


def browse():
    # quilt3 reads the environment when it is imported.
    import boto3
    import quilt3

    package, registry = DEV["package"], f"s3://{DEV['package']['bucket']}"
    check(package["name"] in list(quilt3.list_packages(registry)), "the package is not listed")
    versions = dict(quilt3.list_package_versions(package["name"], registry))
    check(set(versions.values()) == {package["hash"]}, versions)

    browsed = quilt3.Package.browse(package["name"], registry)
    # quilt3 computes it from the header and the entries; what the manifest is called does not go into it.
    check(browsed.top_hash == package["hash"], f"quilt3 gets {browsed.top_hash}, the package is called {package['hash']}")

    s3 = boto3.client("s3")
    keys = [key for key, _ in browsed.walk()]
    check(KEY in keys, keys)
    for key, entry in browsed.walk():
        place = entry.physical_key
        stored = s3.get_object(Bucket=place.bucket, Key=place.path, VersionId=place.version_id)["Body"].read()
        check(entry.get_bytes() == stored, f"{key}: the bytes differ")
        check(entry.size == len(stored), f"{key}: the manifest has size {entry.size}, S3 {len(stored)}")

    with tempfile.TemporaryDirectory() as folder:
        browsed.fetch(folder)
        latest = s3.get_object(Bucket=package["bucket"], Key=f"plankton/{KEY}")["Body"].read()
        fetched = Path(folder) / KEY
        check(latest and fetched.read_bytes() == latest, "the fetched file differs")
        # Compares the size and the hash of every entry with the file.
        check(browsed.verify(folder), "the hashes of the manifest are not those of the objects")
        fetched.write_bytes(latest[::-1])
        check(not browsed.verify(folder), "verify would not have noticed")

    print(json.dumps({"peer": "quilt3", "version": quilt3.__version__, "top_hash": browsed.top_hash, "entries": len(keys)}))


with tempfile.TemporaryDirectory() as folder:
    admin = DEV["users"]["admin"]
    settle(folder, DEV["s3_endpoint"], DEV["region"], admin["access_key_id"], admin["secret_access_key"])
    browse()
