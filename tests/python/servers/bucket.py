"""Prepares and inspects buckets with botocore, without the program under test."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import botocore.config
import botocore.session

from servers.object_stores import ACCESS_KEY, REGION, SECRET_KEY, files_below

STORE_CHECKSUMS = "store-checksums.json"
"""Key of the object that a dataset has in a store only."""

EXPOSED_HEADERS = ("Content-Length", "Content-Range", "Accept-Ranges", "ETag")


@dataclass(frozen=True)
class Bucket:
    """A bucket at an S3 endpoint, with the credentials of its owner."""

    endpoint: str
    name: str

    @property
    def address(self) -> str:
        """Public HTTP address of the bucket."""
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
        """Allows everybody to read and list objects. Without the right to list, S3 answers
        "forbidden" instead of "not found" for an object that does not exist."""
        self.allow_all({"s3:GetObject": "/*", "s3:ListBucket": ""})

    def allow_all(self, actions: Mapping[str, str]) -> None:
        """Allows each action to everybody; the value is appended to the bucket's resource name."""
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
        """Allows pages of `origin` to read ranges and to see the headers of the responses."""
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
        """Returns the objects below `prefix`; keys are relative to it."""
        return {key[len(prefix) + 1 :]: self.get(key) for key in self.keys(f"{prefix}/")}

    def dataset(self, prefix: str) -> dict[str, bytes]:
        """Returns the objects of a dataset without the checksums of the store."""
        return {
            key: content for key, content in self.tree(prefix).items() if key != STORE_CHECKSUMS
        }
