"""What the tests do to a bucket besides reading it: botocore, without the program under test."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import botocore.config
import botocore.session

from servers.object_stores import ACCESS_KEY, REGION, SECRET_KEY, files_below

EXPOSED_HEADERS = ("Content-Length", "Content-Range", "Accept-Ranges", "ETag")


@dataclass(frozen=True)
class Bucket:
    """A bucket at an S3 endpoint, as its owner."""

    endpoint: str
    name: str

    @property
    def address(self) -> str:
        """Where anybody finds it over HTTP."""
        return f"{self.endpoint}/{self.name}"

    @cached_property
    def client(self) -> botocore.client.BaseClient:
        return botocore.session.Session().create_client(
            "s3",
            region_name=REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=botocore.config.Config(
                s3={"addressing_style": "path"}, retries={"mode": "standard", "max_attempts": 10}
            ),
        )

    def make(self) -> None:
        self.client.create_bucket(Bucket=self.name)

    def make_public(self) -> None:
        """Lets anybody read objects and list them, without which s3fs and real S3 answer
        "forbidden" in place of "there is none" when a reader asks for what is not there."""
        self.allow_all({"s3:GetObject": "/*", "s3:ListBucket": ""})

    def allow_all(self, actions: Mapping[str, str]) -> None:
        """Allows everybody each action, on the bucket's name with what stands beside the action."""
        statements = [
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": action,
                "Resource": f"arn:aws:s3:::{self.name}{resource}",
            }
            for action, resource in actions.items()
        ]
        policy = {"Version": "2012-10-17", "Statement": statements}
        self.client.put_bucket_policy(Bucket=self.name, Policy=json.dumps(policy))

    def allow_browsers(self, origin: str) -> None:
        """Lets pages of `origin` read ranges, and see the headers of the answers."""
        rule = {
            "AllowedOrigins": [origin],
            "AllowedMethods": ["GET", "HEAD"],
            "AllowedHeaders": ["Range"],
            "ExposeHeaders": list(EXPOSED_HEADERS),
        }
        self.client.put_bucket_cors(Bucket=self.name, CORSConfiguration={"CORSRules": [rule]})

    def put_tree(self, folder: Path, prefix: str) -> None:
        for key, path in files_below(folder):
            self.client.put_object(Bucket=self.name, Key=f"{prefix}/{key}", Body=path.read_bytes())

    def keys(self, prefix: str = "") -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix
        )
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]

    def get(self, key: str) -> bytes:
        return self.client.get_object(Bucket=self.name, Key=key)["Body"].read()

    def tree(self, prefix: str) -> dict[str, bytes]:
        """The objects below `prefix`, by their path from there."""
        return {key[len(prefix) + 1 :]: self.get(key) for key in self.keys(f"{prefix}/")}
