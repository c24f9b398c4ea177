"""How long the real quilt3 takes to make a package of objects that exist: `python quilt3_push_time.py BUCKET PREFIX NAME`.

The endpoint and the keys are in the environment. Prints the seconds.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

with tempfile.TemporaryDirectory() as home:
    config = Path(home) / "aws-config"
    config.write_text("[default]\ns3 =\n    addressing_style = path\n", encoding="utf-8")
    os.environ.update(
        HOME=home,
        AWS_CONFIG_FILE=str(config),
        AWS_REGION="us-east-1",
        AWS_DEFAULT_REGION="us-east-1",
        AWS_EC2_METADATA_DISABLED="true",
        QUILT_DISABLE_USAGE_METRICS="true",
        QUILT_MINIMIZE_STDOUT="true",
    )
    # quilt3 reads the environment when it is imported.
    import quilt3

    bucket, prefix, name = sys.argv[1:]
    start = time.perf_counter()
    package = quilt3.Package()
    package.set_dir("/", f"s3://{bucket}/{prefix}")
    package.push(name, registry=f"s3://{bucket}", selector_fn=lambda *_: False, force=True)
    print(time.perf_counter() - start)
