"""Credentials and endpoint come from a profile of the AWS tools."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import Datasets
from converter import COMPLETE, FAILED, Dataset
from faults.runs import Finished, Run
from servers.bucket import Bucket
from servers.object_stores import ACCESS_KEY, REGION, SECRET_KEY, SeaweedFS

CREDENTIALS = f"""
[lab]
aws_access_key_id = {ACCESS_KEY}
aws_secret_access_key = {SECRET_KEY}

[thief]
aws_access_key_id = {ACCESS_KEY}
aws_secret_access_key = guessed
"""

CONFIG = """
[default]
output = json

[profile lab]
region = {region}
endpoint_url = {endpoint}
s3 =
    max_concurrent_requests = 20

[profile thief]
region = {region}
endpoint_url = {endpoint}

[profile company]
sso_session = company
sso_account_id = 1
"""


@pytest.fixture(scope="module")
def bucket(seaweed: SeaweedFS) -> Bucket:
    bucket = Bucket(seaweed.endpoint, "profiles")
    bucket.make()
    return bucket


def publish(folder: Path, profile: str, dataset: Dataset, bucket: Bucket) -> Finished:
    credentials, config = folder / "credentials", folder / "config"
    credentials.write_text(CREDENTIALS)
    config.write_text(CONFIG.format(region=REGION, endpoint=bucket.endpoint))
    environment = {
        "AWS_PROFILE": profile,
        "AWS_SHARED_CREDENTIALS_FILE": str(credentials),
        "AWS_CONFIG_FILE": str(config),
        # The AWS CLI is not installed.
        "PATH": str(folder),
    }
    url = f"s3://{bucket.name}/{profile}"
    return Run(folder / "cwd", environment, "publish", dataset.root, url).finish()


def test_a_profile_gives_credentials_region_and_endpoint(
    datasets: Datasets, bucket: Bucket, tmp_path: Path
) -> None:
    done = publish(tmp_path, "lab", datasets.dataset("sharded"), bucket)
    assert done.code == COMPLETE, done.err
    assert "lab/images.zarr/zarr.json" in bucket.keys("lab")


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ("thief", "see to the credentials"),
        ("nobody", "there is no AWS profile nobody"),
        ("company", "aws configure export-credentials --profile company"),
    ],
)
def test_the_error_explains_what_is_wrong_with_a_profile(
    profile: str, said: str, datasets: Datasets, bucket: Bucket, tmp_path: Path
) -> None:
    done = publish(tmp_path, profile, datasets.dataset("sharded"), bucket)
    assert done.code == FAILED
    assert said in done.err
    assert SECRET_KEY not in done.err
    assert bucket.keys(profile) == []
