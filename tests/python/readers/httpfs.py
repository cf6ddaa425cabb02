"""DuckDB with the httpfs extension, which has its own Python environment."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from servers.bucket import Bucket
from servers.object_stores import ACCESS_KEY, SECRET_KEY


def httpfs(*statements: str) -> list[list[object]]:
    """Runs statements in the DuckDB with httpfs and returns the rows of the last one."""
    script = Path(__file__).with_name("httpfs_query.py")
    done = subprocess.run(
        [os.environ["HTTPFS_PYTHON"], script],
        input=json.dumps(statements),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def secret(bucket: Bucket, key: str = SECRET_KEY) -> str:
    endpoint = bucket.endpoint.removeprefix("http://")
    return f"""CREATE SECRET (TYPE s3, KEY_ID '{ACCESS_KEY}', SECRET '{key}',
        ENDPOINT '{endpoint}', URL_STYLE 'path', USE_SSL false)"""


def no_secret(bucket: Bucket) -> str:
    """Returns the secret that DuckDB needs for public objects on a server other than Amazon's."""
    endpoint = bucket.endpoint.removeprefix("http://")
    return f"CREATE SECRET (TYPE s3, ENDPOINT '{endpoint}', URL_STYLE 'path', USE_SSL false)"
