"""`rxrx2zarr.job`: a conversion in parts."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rxrx2zarr
from rxrx2zarr import job

from images import Input
from test_commands import PROGRAM, fields_of_class, fields_of_page


def test_parts_make_the_dataset_of_one_conversion(input8: Input, tmp_path: Path) -> None:
    output = tmp_path / "out"
    planned = job.init(input8.root, output, parts=3, shard_sites=2, codec="zstd")
    assert [part.units for part in planned.parts] == [2, 2, 2]
    assert job.init(input8.root, output, parts=3, shard_sites=2, codec="zstd").existed
    first = job.run(output, 0)
    assert (first.exit_code, first.parts[0].sites, first.parts[0].planes.ok) == (0, 4, 12)
    status = job.status(output)
    assert (status.missing, status.missing_parts, status.units_done) == ((1, 2), "1-2", 2)
    with pytest.raises(rxrx2zarr.Error, match="1-2"):
        job.seal(output)
    seen: list[rxrx2zarr.Progress] = []
    job.run(output, [1, 2], progress=seen.append)
    assert seen[-1].done == seen[-1].total
    sealed = job.seal(output)
    assert (sealed.exit_code, sealed.sites, sealed.shards) == (0, 12, 6)
    assert job.status(output).sealed
    assert np.array_equal(rxrx2zarr.open(output).read(range(12)), input8.pixels)
    rxrx2zarr.convert(input8.root, tmp_path / "one", shard_sites=2, codec="zstd")
    assert (tmp_path / "one/SHA256SUMS").read_bytes() == (output / "SHA256SUMS").read_bytes()


def test_a_task_of_an_array_job_knows_its_part(
    input8: Input, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out"
    job.init(input8.root, output, parts=2, shard_sites=4)
    command = [sys.executable, "-c", f"from rxrx2zarr import job; print(job.run({str(output)!r}))"]
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "1")
    assert "part=1" in subprocess.check_output(command, text=True)
    with pytest.raises(rxrx2zarr.OutputError, match="there is no job"):
        job.status(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("kind", "heading"),
    [
        (job.PlannedJob, "job init"),
        (job.FinishedParts, "job run"),
        (job.JobStatus, "job status"),
        (job.Sealed, "job seal"),
    ],
)
def test_results_have_the_fields_of_the_page(kind: type[Any], heading: str) -> None:
    # The page says of a seal that the list is always empty.
    fields = set(fields_of_class(kind)) - {"exit_code"}
    if kind is job.Sealed:
        fields.remove("described_otherwise[]")
    assert fields == fields_of_page()[heading]


@pytest.mark.parametrize("command", ["init", "run", "status", "seal"])
def test_arguments_are_the_options_of_the_command_line(command: str) -> None:
    text = subprocess.check_output([PROGRAM, "job", command, "--help"], text=True)
    options = set(re.findall(r"^ +(?:-\w, )?--([a-z-]+)", text, re.MULTILINE))
    # `missing` of the result says what --missing prints.
    options -= {"help", "version", "json", "quiet", "verbose", "missing", "progress", "log-file"}
    parameters = inspect.signature(getattr(job, command)).parameters.values()
    keywords = {
        parameter.name for parameter in parameters if parameter.kind == parameter.KEYWORD_ONLY
    }
    assert {name.replace("_", "-") for name in keywords - {"progress"}} == options
