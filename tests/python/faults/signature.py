"""Signs a request to S3 anew after headers were taken out of it.

Specification: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection, Mapping

from faults.http_wire import Head
from servers.object_stores import SECRET_KEY

AUTHORIZATION = re.compile(
    r"(.*) Credential=([^/]+)/([^,]+), ?SignedHeaders=([^,]+), ?Signature=.*"
)


def without_headers(head: Head, names: Collection[str]) -> bytes:
    """Returns the bytes of a head without the headers of these names, signed anew."""
    start, *lines = head.raw.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    dropped = {*names, "authorization"}
    kept = [line for line in lines if line.partition(":")[0].strip().lower() not in dropped]
    if "authorization" in head.headers:
        kept.append(f"authorization: {authorization(head, names)}")
    return "\r\n".join([start, *kept, "", ""]).encode("latin-1")


def authorization(head: Head, dropped: Collection[str]) -> str:
    match = AUTHORIZATION.fullmatch(head.headers["authorization"])
    assert match is not None, head.headers["authorization"]
    algorithm, access_key, scope, names = match.groups()
    signed = [name for name in names.split(";") if name not in dropped]
    request = hashlib.sha256(canonical(head, signed).encode()).hexdigest()
    text = "\n".join([algorithm, head.headers["x-amz-date"], scope, request])
    key = f"AWS4{SECRET_KEY}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.digest(key, part.encode(), "sha256")
    return (
        f"{algorithm} Credential={access_key}/{scope}, "
        f"SignedHeaders={';'.join(signed)}, Signature={key.hex()}"
    )


def canonical(head: Head, signed: Collection[str]) -> str:
    headers: Mapping[str, str] = head.headers
    method, target, _ = head.start.split(" ")
    path, _, query = target.partition("?")
    fields = [f"{name}:{headers[name]}" for name in signed]
    parts = [method, path, "&".join(sorted(query.split("&"))), *fields, ""]
    return "\n".join([*parts, ";".join(signed), headers["x-amz-content-sha256"]])
