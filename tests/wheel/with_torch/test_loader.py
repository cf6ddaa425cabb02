"""`rxrx2zarr.torch`, with the real PyTorch: scripts/test --with-torch and --full."""

from __future__ import annotations

import gc
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import psutil
import pytest
import rxrx2zarr
import torch
from rxrx2zarr.torch import Batch, SiteBatchSampler, SiteDataset, SiteLoader, collate
from torch.utils.data import DataLoader

from conftest import Made
from documents import read_page
from notebook import NOTEBOOK, run_notebook
from servers.file_server import Request
from test_faults import tagged

pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")


def sites_of(batches: list[Batch]) -> list[int]:
    return [site for _, columns in batches for site in columns["site_index"].tolist()]


def by_site(batches: list[Batch]) -> dict[int, bytes]:
    return {
        int(site): pixels.numpy().tobytes()
        for batch, columns in batches
        for site, pixels in zip(columns["site_index"], batch, strict=True)
    }


@pytest.mark.parametrize("name", ["made8", "made16"])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_a_batch_has_pixels_and_columns(
    request: pytest.FixtureRequest, name: str, threads: int
) -> None:
    made: Made = request.getfixturevalue(name)
    dataset = SiteDataset(made.root, columns=["experiment", "rank"])
    loader = SiteLoader(dataset, 4, threads=threads, seed=2)
    batches = list(loader)
    assert len(batches) == -(-len(dataset) // 4)
    for pixels, columns in batches:
        sites = columns["site_index"].tolist()
        assert np.array_equal(pixels.numpy(), made.input.pixels[sites])
        assert columns["experiment"].tolist() == [int(site >= len(dataset) // 2) for site in sites]
        assert columns["rank"].tolist() == [-1 if site % 3 == 0 else site for site in sites]
    assert sorted(sites_of(batches)) == list(range(len(dataset)))
    assert sites_of(batches) == sites_of(list(SiteLoader(dataset, 4, threads=3, ahead=1, seed=2)))
    assert loader.epoch == 1
    assert sites_of(list(loader)) != sites_of(batches)


def test_ranks_share_one_order(made8: Made) -> None:
    """Stop at 8, continue with 3: no site twice, none left out."""
    dataset = SiteDataset(made8.root, missing="mask")
    expected = sites_of(list(SiteLoader(dataset, 2)))
    for ranks in (1, 2, 3):
        loaders = [SiteLoader(dataset, 2, rank=rank, ranks=ranks) for rank in range(ranks)]
        batches = [list(loader) for loader in loaders]
        assert len({len(of_rank) for of_rank in batches}) == 1
        steps = [batch for step in zip(*batches, strict=True) for batch in step]
        assert sites_of(steps) == expected
    loaders = [SiteLoader(dataset, 1, rank=rank, ranks=8) for rank in range(8)]
    done = [next(iter(loader)) for loader in loaders]
    state = loaders[5].state_dict()
    loaders = [SiteLoader(dataset, 1, rank=rank, ranks=3) for rank in range(3)]
    for loader in loaders:
        loader.load_state_dict(state)
        loader.set_epoch(0)
    batches = [list(loader) for loader in loaders]
    steps = [batch for step in zip(*batches, strict=True) for batch in step]
    # Of the four that are left, three ranks get one each; one sample is no full step of three.
    assert [len(of_rank) for of_rank in batches] == [1, 1, 1]
    assert sites_of(done) + sites_of(steps) == expected[:11]


def test_a_state_goes_on_in_the_middle_of_an_epoch(made8: Made) -> None:
    dataset = SiteDataset(made8.root, crop=10, flip=True)
    whole = list(SiteLoader(dataset, 3, shuffle="shard", window=2))
    loader = SiteLoader(dataset, 3, shuffle="shard", window=2)
    done = []
    for batch in loader:
        done.append(batch)
        if len(done) == 2:
            break
    other = SiteLoader(dataset, 3, shuffle="shard", window=2, threads=1)
    other.load_state_dict(loader.state_dict())
    assert len(other) == 2
    left = list(other)
    assert sites_of(done + left) == sites_of(whole)
    assert by_site(done + left) == by_site(whole)
    # The loader itself goes on, too.
    assert sites_of(list(loader)) == sites_of(left)
    assert loader.epoch == 1


@pytest.mark.parametrize("training", [True, False])
def test_workers_give_the_samples_of_the_loader(made8: Made, training: bool) -> None:
    """0 workers, 2 that are spawned, and 2 that are forked; crops and flips are equal, too."""
    dataset = SiteDataset(
        made8.root, columns=["experiment"], crop=10, flip=True, training=training, seed=4
    )
    loader = SiteLoader(dataset, 4)
    for epoch in range(2):
        expected = by_site(list(loader))
        for method in (None, "spawn", "fork"):
            sampler = SiteBatchSampler(dataset, 4)
            sampler.set_epoch(epoch)
            workers = DataLoader(
                dataset,
                batch_sampler=sampler,
                num_workers=0 if method is None else 2,
                multiprocessing_context=method,
                collate_fn=collate,
            )
            assert by_site(list(workers)) == expected, (epoch, method)


def test_workers_that_stay_see_the_epoch_change(made8: Made) -> None:
    dataset = SiteDataset(made8.root, crop=10, flip=True)
    workers = DataLoader(
        dataset,
        batch_sampler=SiteBatchSampler(dataset, 4),
        num_workers=2,
        persistent_workers=True,
        multiprocessing_context="spawn",
        collate_fn=collate,
    )
    loader = SiteLoader(dataset, 4)
    for _ in range(3):
        assert by_site(list(workers)) == by_site(list(loader))


def test_pytorch_can_stack_samples_itself(made8: Made) -> None:
    dataset = SiteDataset(made8.root, columns=["experiment"])
    pixels, columns = next(iter(DataLoader(dataset, batch_size=5)))
    assert np.array_equal(pixels.numpy(), made8.input.pixels[:5])
    assert columns["site_index"].tolist() == [0, 1, 2, 3, 4]
    one, columns = dataset[-1]
    assert np.array_equal(one.numpy(), made8.input.pixels[11])
    assert int(columns["experiment"]) == 1
    with pytest.raises(IndexError):
        dataset[12]


def test_evaluation_has_each_site_once(lacking: Made) -> None:
    dataset = SiteDataset(lacking.root, missing="mask", training=False)
    for ranks in (1, 2, 3, 8):
        found = []
        for rank in range(ranks):
            found += sites_of(list(SiteLoader(dataset, 2, rank=rank, ranks=ranks)))
        assert sorted(found) == list(range(12))
    assert sites_of(list(SiteLoader(dataset, 5))) == list(range(12))


@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
def test_pixels_are_normalised_on_the_device(lacking: Made, dtype: torch.dtype | None) -> None:
    dataset = SiteDataset(lacking.root, missing="mask", channels=["w3", "w1"])
    loader = SiteLoader(dataset, 5, normalize=True, device="cpu", dtype=dtype)
    normalized = dataset.dataset.normalized()
    for pixels, columns in loader:
        assert pixels.dtype == (dtype or torch.float32)
        expected = normalized.read(columns["site_index"].numpy(), ["w3", "w1"])
        assert np.allclose(pixels.float().numpy(), expected, atol=0.02 if dtype else 1e-5)
    with pytest.raises(rxrx2zarr.UsageError, match="normalize=None"):
        SiteLoader(SiteDataset(lacking.root, normalize=None), normalize=True)


def test_views_are_normalised(paired: Made) -> None:
    dataset = SiteDataset(paired.root, views=2, crop=8, missing="mask")
    pixels, columns = next(iter(SiteLoader(dataset, 3, normalize=True)))
    assert pixels.shape == (3, 2, 3, 8, 8)
    assert columns["site_index"].shape == (3, 2)
    assert abs(float(pixels.mean())) < 0.2


def test_batches_have_one_group(made8: Made) -> None:
    dataset = SiteDataset(made8.root, columns=["experiment"])
    for _, columns in SiteLoader(dataset, 4, batch_by="experiment"):
        assert len(set(columns["experiment"].tolist())) == 1


def test_memory_stays_flat(made8: Made) -> None:
    """Also where the caller holds batches: their pixels do not change."""
    dataset = SiteDataset(made8.root, missing="mask")
    loader = SiteLoader(dataset, 4, normalize=True)
    kept = [(pixels.clone(), pixels) for pixels, _ in SiteLoader(dataset, 4)]

    def epochs(count: int) -> int:
        for _ in range(count):
            for _ in loader:
                pass
        gc.collect()
        return int(psutil.Process().memory_info().rss)

    before = epochs(10)
    after = epochs(50)
    assert after - before < 8 << 20
    assert threading.active_count() < 10
    assert all(torch.equal(copy, pixels) for copy, pixels in kept)


def test_a_damaged_chunk_ends_the_loop(made8: Made, tmp_path: Path) -> None:
    root = tmp_path / "damaged"
    shutil.copytree(made8.root, root)
    shard = root / "images.zarr/images/c/1/0/0/0"
    content = bytearray(shard.read_bytes())
    content[40] ^= 255
    shard.write_bytes(content)
    loader = SiteLoader(SiteDataset(root), 4, shuffle=False)
    seen = []
    with pytest.raises(rxrx2zarr.InputError, match="c/1/0/0/0"):
        for pixels, _ in loader:
            seen.append(pixels)
    assert len(seen) == 1
    assert np.array_equal(seen[0].numpy(), made8.input.pixels[:4])


LOOP = """
import sys
from rxrx2zarr.torch import SiteDataset, SiteLoader

def main():
    loader = SiteLoader(SiteDataset(sys.argv[1]), 2, ahead=5)
    print("begins", flush=True)
    while True:
        for pixels, columns in loader:
            if len(sys.argv) > 2:
                return

try:
    main()
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_a_loop_can_be_left(made8: Made) -> None:
    command = [sys.executable, "-c", LOOP, str(made8.root)]
    done = subprocess.run(
        [*command, "leave"], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "begins\n", "")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=120)
    assert (process.returncode, rest) == (0, "interrupted\n")


def rank_sites(rank: int, ranks: int, root: str, folder: str) -> None:
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=ranks
    )
    batches = list(SiteLoader(SiteDataset(root), 2))
    (Path(folder) / f"{rank}").write_text(repr(sites_of(batches)), encoding="utf-8")
    torch.distributed.destroy_process_group()


def test_ranks_come_from_torch_distributed(made8: Made, tmp_path: Path) -> None:
    torch.multiprocessing.spawn(rank_sites, (2, str(made8.root), str(tmp_path)), nprocs=2)
    found = [eval((tmp_path / f"{rank}").read_text(encoding="utf-8")) for rank in range(2)]
    expected = sites_of(list(SiteLoader(SiteDataset(made8.root), 2)))
    steps = [found[rank][step : step + 2] for step in (0, 2, 4) for rank in range(2)]
    assert [site for step in steps for site in step] == expected


def test_wrong_arguments_are_refused(made8: Made) -> None:
    dataset = SiteDataset(made8.root)
    for wrong in (
        {"ahead": 0},
        {"threads": 0},
        {"batch_size": 0},
        {"batch_by": "colour"},
        {"shuffle": "plate"},
        {"rank": 2, "ranks": 2},
    ):
        with pytest.raises(rxrx2zarr.UsageError):
            SiteLoader(dataset, **wrong)
    assert repr(dataset).startswith("<rxrx2zarr.torch.SiteDataset: 12 samples of <rxrx2zarr.D")


def test_the_first_hour_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the cells that train a model."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    pytest.importorskip("pandas")
    assert run_notebook(NOTEBOOK, with_torch=True)[-1] == 3


def test_the_page_can_be_pasted(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("page")
    program = Path(sys.executable).with_name("rxrx2zarr")
    for arguments in ("sample rxrx1 --sites 24 --size 64", "convert rxrx1 rxrx1-zarr"):
        subprocess.run([program, *arguments.split()], cwd=folder, check=True)
    monkeypatch.chdir(folder)
    blocks = [block for block in read_page("docs/python.md").blocks if "torch" in block.code]
    assert blocks
    for block in blocks:
        exec(block.code, {})


def test_everything_can_be_pickled(made8: Made) -> None:
    dataset = SiteDataset(made8.root, crop=8)
    loader = SiteLoader(dataset, 3, normalize=True)
    next(iter(loader))
    copy = pickle.loads(pickle.dumps(loader))
    assert copy.state_dict() == loader.state_dict()
    assert sites_of(list(copy)) == sites_of(list(loader))
    assert len(pickle.loads(pickle.dumps(SiteBatchSampler(dataset, 3)))) == 4
    assert pickle.loads(pickle.dumps(dataset.normalizer())).dtype == torch.float32


def test_a_loader_fills_the_cache_ahead(made8: Made, tmp_path: Path) -> None:
    requests: list[Request] = []
    with tagged(made8.root, requests) as address:
        ds = rxrx2zarr.open(address, cache=tmp_path)
        loader = SiteLoader(SiteDataset(ds), 2, shuffle="shard", window=1)
        assert by_site(list(loader)) == by_site(list(SiteLoader(SiteDataset(made8.root), 2)))
        requests.clear()
        assert len(sites_of(list(loader))) == 12
        assert not requests
