"""DuckDB with the httpfs extension, which has its own Python environment."""

from __future__ import annotations

from readers.other_python import asked
from servers.bucket import Bucket
from servers.object_stores import ACCESS_KEY, SECRET_KEY


def httpfs(*statements: str) -> list[list[object]]:
    """Runs statements in the DuckDB with httpfs and returns the rows of the last one."""
    return asked("HTTPFS_PYTHON", "httpfs_query.py", statements)


def secret(bucket: Bucket, key: str = SECRET_KEY) -> str:
    endpoint = bucket.endpoint.removeprefix("http://")
    return f"""CREATE SECRET (TYPE s3, KEY_ID '{ACCESS_KEY}', SECRET '{key}',
        ENDPOINT '{endpoint}', URL_STYLE 'path', USE_SSL false)"""


def no_secret(bucket: Bucket) -> str:
    """Returns the secret that DuckDB needs for public objects on a server other than Amazon's."""
    endpoint = bucket.endpoint.removeprefix("http://")
    return f"CREATE SECRET (TYPE s3, ENDPOINT '{endpoint}', URL_STYLE 'path', USE_SSL false)"
