"""Conversions in parts by the engines that people have, with workers that are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import botocore.session
import pytest
import yaml
from botocore.validate import ParamValidator

from converter import COMPLETE, run
from documents import ROOT
from servers.slurm import is_installed, slurm, wait_until

CLUSTER = ROOT / "scripts" / "cluster"
OPTIONS = ("--shard-sites", "1")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Many small sites: a worker is busy for some seconds, because a disk flushes each shard."""
    root = tmp_path_factory.mktemp("cluster") / "rxrx1"
    done = run("sample", root, "--sites", "240", "--seed", "5", "--size", "64")
    assert done.returncode == COMPLETE, done.stderr
    return root


@pytest.fixture(scope="module")
def whole(tree: Path) -> dict[str, bytes]:
    """What one process writes."""
    output = tree.parent / "whole"
    done = run("convert", tree, output, *OPTIONS)
    assert done.returncode == COMPLETE, done.stderr
    return files_below(output)


def files_below(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def status(output: Path) -> dict:
    done = run("job", "status", output, "--json")
    return json.loads(done.stdout) if done.returncode == COMPLETE else {"workers": []}


def kill_a_worker(output: Path, *, parent: bool = False) -> int:
    """Kills the first worker that is seen at work, and its parent if asked to. Returns its
    process."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        for worker in status(output)["workers"]:
            process = int(worker["process"].split()[1])
            try:
                above = int(Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1])
                if parent:
                    os.kill(above, signal.SIGKILL)
                os.kill(process, signal.SIGKILL)
            except (ProcessLookupError, FileNotFoundError):
                continue  # it has ended meanwhile
            return process
    pytest.fail("no worker was seen")


def test_xargs(tree: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    output = tmp_path / "output"
    command = [CLUSTER / "xargs", "2", tree, output, *OPTIONS]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as running:
        kill_a_worker(output)
        _, errors = running.communicate(timeout=240)
    assert running.returncode != COMPLETE, errors
    assert not (output / "images.zarr" / "zarr.json").exists()
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == COMPLETE, done.stderr
    assert "as before" in done.stdout
    assert files_below(output) == whole
    assert not output.with_name("output.rxrx2zarr").exists()


@pytest.mark.full
def test_slurm(tree: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    """A worker is killed, which fails its task, and a node is, whose task runs again elsewhere."""
    if not is_installed():
        pytest.skip("needs root, and slurmctld, slurmd, slurm-client and munge")
    output = tmp_path / "output"
    done = run("job", "init", tree, output, "--parts", "6", *OPTIONS)
    assert done.returncode == COMPLETE, done.stderr
    (tmp_path / "slurm").mkdir()
    with slurm(tmp_path / "slurm") as cluster:

        def submit() -> str:
            command = [CLUSTER / "slurm", output, "--chdir", tmp_path, "--cpus-per-task=1"]
            submitted = subprocess.run(
                command,
                env=cluster.environment,
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert submitted.returncode == COMPLETE, submitted.stderr
            return submitted.stdout

        assert "parts 0-5: job" in submit()
        killed = kill_a_worker(output)
        wait_until(lambda: any(" RUNNING " in line for line in cluster.queued()))
        cluster.kill_node("n2")
        wait_until(lambda: not cluster.queued(), 300)
        told = status(output)
        assert not told["sealed"], "a part is missing, so nothing may be sealed"
        assert told["missing_parts"], killed
        submit()
        wait_until(lambda: not cluster.queued(), 300)
        logs = "".join(path.read_text() for path in tmp_path.glob("slurm-*.out"))
        assert status(output).get("sealed"), logs
    assert files_below(output) == whole


@pytest.fixture(scope="module")
def engines() -> Path:
    """The folder of the programs of the engines that are written in Python."""
    python = os.environ.get("ENGINES_PYTHON")
    if python is None:
        pytest.skip("ENGINES_PYTHON names no Python with the packages of the group engines")
    return Path(python).parent


@pytest.mark.full
@pytest.mark.parametrize("script", ["dask_convert.py", "ray_convert.py"])
def test_python(
    engines: Path, tree: Path, whole: dict[str, bytes], tmp_path: Path, script: str
) -> None:
    """A worker of Dask or Ray is killed, and with it the part that it runs."""
    output = tmp_path / "output"
    done = run("job", "init", tree, output, "--parts", "8", *OPTIONS)
    assert done.returncode == COMPLETE, done.stderr
    command = [engines / "python", CLUSTER / script, output]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as running:
        process = kill_a_worker(output, parent=True)
        told, _ = running.communicate(timeout=240)
    assert running.returncode == COMPLETE, f"{process}: {told.decode()}"
    assert files_below(output) == whole


@pytest.mark.full
def test_snakemake(engines: Path, tree: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    """The rule of a killed worker runs again. A second call has nothing to do."""
    output = tmp_path / "an output"
    command: list[str | Path] = [engines / "snakemake", "-s", CLUSTER / "Snakefile"]
    command += ["--cores", "2", "--retries", "3", "--config"]
    command += [f"input={tree}", f"output={output}", "parts=8", f"options={' '.join(OPTIONS)}"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as running:
        process = kill_a_worker(output)
        told, _ = running.communicate(timeout=240)
    assert running.returncode == COMPLETE, f"{process}: {told.decode()}"
    assert files_below(output) == whole
    again = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert "Nothing to be done" in again.stderr + again.stdout


@pytest.mark.full
def test_kubernetes_takes_the_manifest(engines: Path) -> None:
    check = "import sys, yaml, kubernetes_validate as k\n"
    check += "for part in yaml.safe_load_all(open(sys.argv[1])): k.validate(part, '1.31', True)"
    for manifest, is_valid in (
        ((CLUSTER / "kubernetes.yaml").read_text(), True),
        ((CLUSTER / "kubernetes.yaml").read_text().replace("completions", "completion"), False),
    ):
        command = [engines / "python", "-c", check, "/dev/stdin"]
        done = subprocess.run(command, input=manifest, capture_output=True, text=True, check=False)
        assert (done.returncode == 0) == is_valid, done.stderr


def test_aws_batch_takes_the_manifest() -> None:
    """The model of the API that botocore holds, by which every call is checked."""
    batch = botocore.session.Session().get_service_model("batch")
    shape = batch.operation_model("RegisterJobDefinition").input_shape
    definition = json.loads((CLUSTER / "aws-batch.json").read_text())
    report = ParamValidator().validate(definition, shape)
    assert not report.has_errors(), report.generate_report()
    wrong = ParamValidator().validate(definition | {"retryStrategy": 5}, shape)
    assert wrong.has_errors()


def test_the_manifests_are_those_of_kubernetes_and_aws_batch() -> None:
    parts, seal = yaml.safe_load_all((CLUSTER / "kubernetes.yaml").read_text())
    assert (
        (parts["kind"], parts["apiVersion"])
        == ("Job", "batch/v1")
        == (
            seal["kind"],
            seal["apiVersion"],
        )
    )
    assert parts["spec"]["completionMode"] == "Indexed"
    batch = json.loads((CLUSTER / "aws-batch.json").read_text())
    for command in (
        parts["spec"]["template"]["spec"]["containers"][0]["command"],
        batch["containerProperties"]["command"],
    ):
        program, *words = command
        assert program == "rxrx2zarr"
        # The command line is right: only OUTPUT is not there.
        done = run(*words[:2], "no-output", *words[3:], "0")
        assert "there is no job at" in done.stderr, done.stderr
