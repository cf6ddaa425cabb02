"""What the services that speak S3 refuse or ignore, as plans of the proxy.

The server behind the proxy knows everything. The statuses, codes and messages are those
of the services.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from faults.plan import Deny, Fault, Ignore, RequestHead

CONDITIONS = frozenset({"if-match", "if-none-match"})
ENCRYPTION = frozenset(
    {"x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id"}
)
WRITES = frozenset({"PUT", "POST", "DELETE"})


def is_multipart(head: RequestHead) -> bool:
    query = parse_qs(urlsplit(head.target).query, keep_blank_values=True)
    return bool(query.keys() & {"uploads", "partNumber"})


def checksums(head: RequestHead) -> list[str]:
    """Returns the names of the headers of checksums."""
    return [name for name in head.headers if name.startswith("x-amz-checksum-")]


def has_condition(head: RequestHead) -> bool:
    return head.method in WRITES and bool(CONDITIONS & head.headers.keys())


def cloudflare_r2(head: RequestHead) -> Fault | None:
    """Knows no checksum of uploads in parts."""
    names = checksums(head)
    if is_multipart(head) and names:
        return Deny(501, "NotImplemented", f"Header '{names[0]}' not implemented")
    return None


def backblaze_b2(head: RequestHead) -> Fault | None:
    """Knows no checksum but MD5, and no condition on a write."""
    names = checksums(head)
    if names:
        text = f"Unsupported header '{names[0]}' received for this API call."
        return Deny(400, "InvalidArgument", text)
    if has_condition(head):
        text = "A header you provided implies functionality that is not implemented"
        return Deny(501, "NotImplemented", text)
    return None


def google_xml(head: RequestHead) -> Fault | None:
    """Knows no checksum of Amazon, and no condition on a write of Amazon's kind."""
    if checksums(head):
        return Deny(400, "InvalidArgument", "Invalid argument.")
    return Ignore(CONDITIONS) if has_condition(head) else None


def minio(head: RequestHead) -> Fault | None:
    """Knows conditions on puts, and on nothing else."""
    return Ignore(CONDITIONS) if has_condition(head) and head.method != "PUT" else None


def garage(head: RequestHead) -> Fault | None:
    """Ignores the conditions on writes."""
    return Ignore(CONDITIONS) if has_condition(head) else None


def without_sha256(head: RequestHead) -> Fault | None:
    """Knows CRC-64 and not SHA-256."""
    algorithm = head.headers.get("x-amz-checksum-algorithm")
    if "x-amz-checksum-sha256" in head.headers or algorithm == "SHA256":
        return Deny(400, "InvalidRequest", "Checksum algorithm provided is unsupported.")
    return None


def encrypted_only(head: RequestHead) -> Fault | None:
    """Denies puts without the header of a key, as the policy of a bucket can do.

    The server behind has no keys, so the headers are not passed on.
    """
    makes_object = head.method == "PUT" or (head.method == "POST" and "uploads" in head.target)
    is_part = "partNumber" in head.target
    if makes_object and not is_part and head.headers.keys() & ENCRYPTION != ENCRYPTION:
        return Deny(403, "AccessDenied", "Access Denied")
    return Ignore(ENCRYPTION) if ENCRYPTION & head.headers.keys() else None
