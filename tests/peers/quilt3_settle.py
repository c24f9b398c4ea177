"""Where the real quilt3 is at home in tests: it knows one S3 and one caller, and nothing of the machine."""

import os
from pathlib import Path


def check(condition, *told):
    """Like `assert`, but not to be switched off."""
    if not condition:
        raise AssertionError(" ".join(str(part) for part in told) or "it does not hold")


def settle(home, endpoint, region, access_key_id, secret_access_key, session_token=None):
    """Makes the environment. quilt3 reads it when it is imported, so this comes first."""
    home = Path(home)
    config = home / "aws-config"
    config.write_text("[default]\ns3 =\n    addressing_style = path\n", encoding="utf-8")
    for name in [name for name in os.environ if name.startswith(("AWS_", "QUILT_", "XDG_"))]:
        del os.environ[name]
    os.environ.update(
        HOME=str(home),
        AWS_CONFIG_FILE=str(config),
        AWS_SHARED_CREDENTIALS_FILE=str(home / "none"),
        AWS_ENDPOINT_URL_S3=endpoint,
        AWS_ACCESS_KEY_ID=access_key_id,
        AWS_SECRET_ACCESS_KEY=secret_access_key,
        AWS_REGION=region,
        AWS_DEFAULT_REGION=region,
        AWS_EC2_METADATA_DISABLED="true",
        QUILT_DISABLE_USAGE_METRICS="true",
        QUILT_DISABLE_CACHE="true",
        QUILT_MINIMIZE_STDOUT="true",
    )
    if session_token:
        os.environ["AWS_SESSION_TOKEN"] = session_token
