"""Credentials that a program gives for an AWS profile, and that expire during a run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import Datasets
from converter import COMPLETE, FAILED, Dataset
from faults.plan import Delay, Fault, Refuse, RequestHead
from faults.proxy import Exchange, FaultProxy
from faults.runs import Finished, Run, local_objects
from servers.bucket import Bucket
from servers.object_stores import REGION, SeaweedFS, seaweedfs

KEYS = {f"KEY{number}": f"secret-{number}" for number in range(1, 100)}
"""Access keys that the server knows, and their secrets."""

EXPIRED = 400
"""The status with which the proxy says that a token has expired."""

GIVE = """#!/bin/sh
echo "$@" >> '{runs}'
run=$(wc -l < '{runs}' | tr -d ' ')
end={end}
printf '{{"Version": 1, "AccessKeyId": "KEY%s", "SecretAccessKey": "secret-%s"%s}}' $run $run "$end"
"""
"""A program that gives the next key in each run."""

CONFIG = """
[profile lab]
region = {region}
endpoint_url = {endpoint}
credential_process = {give} --for "the lab"

[profile company]
region = {region}
endpoint_url = {endpoint}
sso_session = company
sso_account_id = 1
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    with seaweedfs(tmp_path_factory.mktemp("keys"), KEYS).running() as server:
        yield server


@pytest.fixture(scope="module")
def bucket(server: SeaweedFS) -> Bucket:
    bucket = Bucket(server.endpoint, "expiring")
    bucket.make()
    return bucket


@pytest.fixture
def proxy(server: SeaweedFS) -> Iterator[FaultProxy]:
    with FaultProxy(server.port).running() as proxy:
        yield proxy


@pytest.fixture(scope="module")
def local(datasets: Datasets) -> Dataset:
    return datasets.dataset("sharded")


@dataclass
class Profile:
    """The files of a user with a program that gives credentials."""

    folder: Path
    proxy: FaultProxy
    name: str = "lab"

    def gives(self, script: str) -> None:
        """Makes the program, which is also called `aws`."""
        (self.folder / "bin").mkdir(exist_ok=True)
        self.program.write_text(script)
        self.program.chmod(0o755)

    def gives_keys(self, lasting: int | None = None) -> None:
        """Makes a program whose keys last so many seconds."""
        end = "''"
        if lasting is not None:
            time = f"$(date -u -d '+{lasting} seconds' +%Y-%m-%dT%H:%M:%SZ)"
            end = f'", \\"Expiration\\": \\"{time}\\""'
        self.gives(GIVE.format(runs=self.folder / "runs", end=end))

    @property
    def program(self) -> Path:
        return self.folder / "bin" / "aws"

    @property
    def runs(self) -> list[str]:
        """The arguments of each run of the program."""
        return (self.folder / "runs").read_text().splitlines()

    def publish(self, dataset: Dataset, name: str, attempt: str = "first") -> Finished:
        config = self.folder / "config"
        config.write_text(
            CONFIG.format(region=REGION, endpoint=self.proxy.endpoint, give=self.program)
        )
        environment = {
            "AWS_PROFILE": self.name,
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "none"),
            "AWS_CONFIG_FILE": str(config),
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
        }
        url = f"s3://expiring/{name}"
        return Run(self.folder / attempt, environment, "publish", dataset.root, url).finish()


@pytest.fixture
def profile(proxy: FaultProxy, tmp_path: Path) -> Profile:
    return Profile(tmp_path, proxy)


def keys_of(exchanges: list[Exchange]) -> set[str]:
    """Returns the access keys with which requests were signed."""
    return {key for one in exchanges if (key := key_of(one.head))}


def key_of(head: RequestHead) -> str:
    return head.headers.get("authorization", "").partition("Credential=")[2].partition("/")[0]


def uploads(exchanges: list[Exchange], name: str) -> list[str]:
    base = f"/expiring/{name}/"
    return [
        one.head.target.removeprefix(base)
        for one in exchanges
        if one.head.method == "PUT" and one.status == 200 and one.head.target.startswith(base)
    ]


def test_a_process_without_an_expiration_runs_once(
    local: Dataset, bucket: Bucket, profile: Profile
) -> None:
    profile.gives_keys()
    done = profile.publish(local, "once")
    assert done.code == COMPLETE, done.err
    assert bucket.dataset("once") == local_objects(local.root)
    assert profile.runs == ["--for the lab"]
    assert keys_of(profile.proxy.exchanges) == {"KEY1"}


@pytest.mark.parametrize(
    ("lasting", "delay"), [(5, 6), pytest.param(20, 25, marks=pytest.mark.full)]
)
def test_credentials_are_renewed_before_they_expire(
    lasting: int, delay: int, local: Dataset, bucket: Bucket, profile: Profile
) -> None:
    profile.gives_keys(lasting)
    shard = "/images/c/1/0/0/0"
    profile.proxy.plan = lambda head: Delay(delay) if head.target.endswith(shard) else None
    done = profile.publish(local, f"renewed-{lasting}")
    assert done.code == COMPLETE, done.err
    assert bucket.dataset(f"renewed-{lasting}") == local_objects(local.root)
    # A key can expire before a request needs it.
    assert 2 <= len(keys_of(profile.proxy.exchanges)) <= len(profile.runs)


@pytest.mark.parametrize("after", [0, 20, 40])
def test_an_expired_token_is_renewed(
    after: int, local: Dataset, bucket: Bucket, profile: Profile
) -> None:
    """The store says so, and the program did not say when."""
    profile.gives_keys()

    def plan(head: RequestHead) -> Fault | None:
        is_expired = head.number >= after and key_of(head) == "KEY1"
        return Refuse(EXPIRED) if is_expired else None

    profile.proxy.plan = plan
    done = profile.publish(local, f"refused-{after}")
    assert done.code == COMPLETE, done.err
    assert bucket.dataset(f"refused-{after}") == local_objects(local.root)
    assert len(profile.runs) == 2
    refused = [one for one in profile.proxy.exchanges if one.fault]
    assert refused
    assert key_of(profile.proxy.exchanges[-1].head) == "KEY2"


def test_tokens_that_stay_expired_end_the_run_and_the_same_command_goes_on(
    local: Dataset, bucket: Bucket, profile: Profile
) -> None:
    profile.gives_keys()
    proxy = profile.proxy

    def plan(head: RequestHead) -> Fault | None:
        is_late = len(uploads(proxy.exchanges, "ended")) >= 3
        return Refuse(EXPIRED) if is_late else None

    proxy.plan = plan
    done = profile.publish(local, "ended")
    assert done.code == FAILED
    assert "the credentials have expired" in done.err
    assert "run the same command again" in done.err
    assert "secret-" not in done.err
    refused = [
        one.head.target
        for one in proxy.exchanges
        if one.fault and one.head.method == "PUT" and "/expiring/ended/" in one.head.target
    ]
    # Each request is sent a second time, and not a third time.
    assert refused
    assert {refused.count(target) for target in refused} == {2}
    confirmed = set(uploads(proxy.exchanges, "ended"))
    assert len(confirmed) >= 3
    with proxy.watched() as again:
        proxy.plan = lambda _head: None
        done = profile.publish(local, "ended", "again")
    assert done.code == COMPLETE, done.err
    assert bucket.dataset("ended") == local_objects(local.root)
    assert confirmed.isdisjoint(uploads(again, "ended"))


def test_the_aws_cli_gives_the_credentials_of_sso(
    local: Dataset, bucket: Bucket, profile: Profile
) -> None:
    profile.gives_keys()
    profile.name = "company"
    done = profile.publish(local, "sso")
    assert done.code == COMPLETE, done.err
    assert bucket.dataset("sso") == local_objects(local.root)
    assert profile.runs == ["configure export-credentials --format process --profile company"]


@pytest.mark.parametrize(
    ("name", "script", "said"),
    [
        ("company", "echo the SSO session is over >&2; exit 255", "the SSO session is over"),
        ("company", "exit 255", "aws sso login --profile company"),
        ("lab", "echo denied >&2; exit 3", "denied"),
        ("lab", 'echo "secret-of-mine"', "no JSON of a credential"),
    ],
)
def test_a_program_without_credentials_is_an_error(
    name: str, script: str, said: str, local: Dataset, bucket: Bucket, profile: Profile
) -> None:
    profile.gives(f"#!/bin/sh\n{script}\n")
    profile.name = name
    done = profile.publish(local, "without")
    assert done.code == FAILED
    assert said in done.err
    assert "secret-of-mine" not in done.err
    assert bucket.keys("without") == []
