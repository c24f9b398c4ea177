"""How long the real quilt3 takes to load a manifest and compute its top hash: `python quilt3_time.py FILE`.

Prints the top hash and the seconds.
"""

import os
import sys
import tempfile
import time

os.environ.update(QUILT_DISABLE_USAGE_METRICS="true", QUILT_MINIMIZE_STDOUT="true")
with tempfile.TemporaryDirectory() as home:
    os.environ["HOME"] = home
    # quilt3 reads the environment when it is imported.
    import quilt3

    start = time.perf_counter()
    top_hash = quilt3.Package._from_path(sys.argv[1]).top_hash
    print(top_hash, time.perf_counter() - start)
