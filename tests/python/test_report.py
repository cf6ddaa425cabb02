"""`rxrx2zarr report`: it finds each flaw of a flawed sample, and nothing in a clean one."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import duckdb
import numpy as np
import pytest

from conftest import Datasets
from converter import COMPLETE, FAILED, SEALED_WITH_GAPS, Dataset, run
from servers.file_server import serve

FLAGGED = 4
# As `sample --flaws` prints them.
SITES_WITH_FLAWS = {
    ("missing", "HUVEC-01_1_D04_2"),
    ("saturated", "HUVEC-01_1_C04_1"),
    ("saturated", "HUVEC-01_1_C04_2"),
    ("empty", "HUVEC-01_1_D03_1"),
    ("empty", "HUVEC-01_1_D03_2"),
    ("blurred", "HUVEC-01_1_C03_1"),
    ("blurred", "HUVEC-01_1_C03_2"),
    ("equal", "HUVEC-01_1_D05_1"),
}
PLATES_WITH_FLAWS = {("edge", "1"), ("vignette", "2")}


def report(dataset: Path | str, *options: str) -> dict:
    done = run("report", dataset, "--json", *options)
    assert done.returncode == COMPLETE, done.stderr
    return json.loads(done.stdout)


def made(folder: Path, code: int, *options: str) -> Path:
    """Makes a sample with planes that are large enough for the focus, and converts it."""
    done = run("sample", folder / "input", "--sites", "48", "--size", "256", *options)
    assert done.returncode == COMPLETE, done.stderr
    done = run("convert", folder / "input", folder / "rxrx1-zarr", "--allow-missing")
    assert done.returncode == code, done.stderr
    return folder / "rxrx1-zarr"


@pytest.fixture(scope="module")
def flawed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("flawed"), SEALED_WITH_GAPS, "--flaws")


def test_each_flaw_is_found_and_nothing_else(flawed: Path) -> None:
    found = report(flawed)
    of_sites = {(flag["kind"], flag["site_id"]) for flag in found["flags"] if "site_id" in flag}
    of_plates = {(flag["kind"], flag["plate"]) for flag in found["flags"] if "site_id" not in flag}
    assert of_sites == SITES_WITH_FLAWS
    assert of_plates == PLATES_WITH_FLAWS
    by_kind = {flag["kind"]: flag for flag in found["flags"]}
    assert by_kind["missing"]["channels"] == ["w3"]
    assert by_kind["equal"]["text"] == "the pixels are those of HUVEC-01_1_B03_1 w2"
    assert "column 02" in by_kind["edge"]["text"]
    assert by_kind["edge"]["value"] == pytest.approx(1.7, rel=0.05)
    assert by_kind["vignette"]["channels"] == ["w5"]
    assert len(by_kind["blurred"]["channels"]) == 6
    assert found["counts"] == {
        "missing": 1,
        "saturated": 2,
        "empty": 2,
        "blurred": 2,
        "edge": 1,
        "equal": 1,
        "vignette": 1,
    }


def test_nothing_is_found_in_a_clean_sample(tmp_path: Path) -> None:
    clean = made(tmp_path, COMPLETE)
    found = report(clean)
    assert found["flags"] == []
    # It was judged: all planes were compared with others.
    assert found["compared"]["not"] == 0
    done = run("report", clean, "--fail-on-flags")
    assert done.returncode == COMPLETE
    assert done.stdout.splitlines()[-1] == "no flags"


def test_the_text_ends_with_the_counts_and_the_exit_code_tells_flags(flawed: Path) -> None:
    done = run("report", flawed, "--fail-on-flags")
    assert done.returncode == FLAGGED
    counts = "1 missing, 2 saturated, 2 empty, 2 blurred, 1 edge, 1 equal, 1 vignette"
    assert done.stdout.splitlines()[-1] == f"flags: {counts}"
    assert run("report", flawed).returncode == COMPLETE


def test_a_remote_dataset_is_the_same(flawed: Path) -> None:
    with serve(flawed.parent) as address:
        assert report(f"{address}/{flawed.name}") == report(flawed)


def test_sites_can_be_chosen(flawed: Path, tmp_path: Path) -> None:
    picks = tmp_path / "picks.csv"
    with picks.open("w", newline="") as file:
        csv.writer(file).writerows(
            [("site_id", "note"), ("HUVEC-01_1_D03_1", "dark, why?"), ("HUVEC-01_1_B04_1", "")]
        )
    found = report(flawed, "--sites", str(picks))
    assert [(flag["kind"], flag.get("site_id")) for flag in found["flags"]] == [
        ("empty", "HUVEC-01_1_D03_1"),
        ("edge", None),
    ]
    picks.write_text("site_id\nno-such-site\n")
    done = run("report", flawed, "--sites", picks)
    assert done.returncode == FAILED
    assert "no-such-site" in done.stderr


def test_medians_equal_those_of_duckdb(datasets: Datasets) -> None:
    dataset: Dataset = datasets.dataset("sample")
    found = report(dataset.root)
    rows = duckdb.execute(f"""
        SELECT experiment, plate::VARCHAR, channel, median(mean), mad(mean), median(p999),
            median(focus), median(saturated), count(*)
        FROM '{dataset.planes_table}' JOIN '{dataset.metadata_table}' USING (site_index)
        WHERE status = 'ok' GROUP BY ALL ORDER BY ALL""").fetchall()
    told = [
        (
            plate["experiment"],
            plate["plate"],
            channel["channel"],
            channel["mean"]["median"],
            channel["mean"]["mad"],
            channel["p999"]["median"],
            channel["focus"]["median"],
            channel["saturated"]["median"],
            channel["planes"],
        )
        for plate in found["plates"]
        for channel in plate["channels"]
    ]
    assert [row[:3] for row in sorted(told)] == [row[:3] for row in rows]
    np.testing.assert_allclose(
        [row[3:] for row in sorted(told)], [row[3:] for row in rows], rtol=1e-12
    )


def test_the_real_sample_has_the_flags_that_its_files_explain(datasets: Datasets) -> None:
    """Site 2 has no w5 and w6, and HEPG2 is so bright that some of it is cut off."""
    dataset = datasets.dataset("real")
    found = report(dataset.root)
    assert set(found["counts"]) <= {"missing", "saturated"}
    missing = {flag["site_id"] for flag in found["flags"] if flag["kind"] == "missing"}
    ids = np.array(dataset.source.site_ids)
    assert missing == set(ids[~dataset.source.present.all(axis=1)])
    saturated = {
        (flag["site_id"], channel)
        for flag in found["flags"]
        if flag["kind"] == "saturated"
        for channel in flag["channels"]
    }
    cut = (dataset.source.pixels == 255).mean(axis=(2, 3)) > 0.001
    expected = {(ids[site], f"w{channel + 1}") for site, channel in np.argwhere(cut)}
    assert saturated == expected
