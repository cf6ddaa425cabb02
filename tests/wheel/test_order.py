"""`rxrx2zarr.order`: the order of an epoch, and the share of each rank. Needs no PyTorch."""

from __future__ import annotations

import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
import rxrx2zarr
from rxrx2zarr.order import BatchOrder, Epoch, RankPlan, Shuffle, mixed, steps_of

SAMPLES = 1003
SHARDS = np.arange(SAMPLES) // 8
GROUPS = np.arange(SAMPLES) // 37
# `mixed(7, 2, "sample", ...)` of 0, 1 and 125,509. A change of it changes every order.
EXPECTED = [7886577064916366020, 2469215932332245198, 12721272250893530015]


def order(shuffle: Shuffle = True, **others: object) -> BatchOrder:
    return BatchOrder(
        SHARDS, **({"batch_size": 16, "seed": 3, "window": 5} | others), shuffle=shuffle
    )


def batches_of(epoch: Epoch) -> list[list[int]]:
    ends = [0, *epoch.ends.tolist()]
    return [epoch.samples[start:end].tolist() for start, end in pairwise(ends)]


def global_order(plans: list[RankPlan], steps: int | None = None) -> list[int]:
    """Returns the samples of all ranks, step by step."""
    runs = [list(plan.batches())[:steps] for plan in plans]
    for plan, run in zip(plans, runs, strict=True):
        if run:
            plan.finish(run[-1][1])
    length = max(len(run) for run in runs)
    found = [run[step][0] for step in range(length) for run in runs if step < len(run)]
    return [int(sample) for batch in found for sample in batch]


def plans(of: BatchOrder, ranks: int, **others: object) -> list[RankPlan]:
    return [RankPlan(of, rank=rank, ranks=ranks, **others) for rank in range(ranks)]


def test_random_numbers_are_the_same_on_every_machine() -> None:
    assert mixed(7, 2, "sample", [0, 1, 125_509]).tolist() == EXPECTED
    assert len(set(mixed(0, 0, "x", np.arange(100_000)).tolist())) == 100_000
    bits = mixed(1, 1, "x", np.arange(100_000))
    for bit in range(64):
        share = float((bits >> np.uint64(bit) & np.uint64(1)).mean())
        assert abs(share - 0.5) < 0.01, bit


@pytest.mark.parametrize("shuffle", [True, False, "shard"])
@pytest.mark.parametrize("groups", [None, GROUPS])
def test_an_epoch_has_each_sample_once(shuffle: Shuffle, groups: np.ndarray | None) -> None:
    of = order(shuffle, groups=groups)
    first, second = of.epoch(0), of.epoch(1)
    assert sorted(first.samples.tolist()) == list(range(SAMPLES))
    assert (first.samples.tolist() == second.samples.tolist()) is (shuffle is False)
    for batch in batches_of(first):
        assert 1 <= len(batch) <= 16
        assert groups is None or len(set(groups[batch])) == 1
    assert order(shuffle, groups=groups).epoch(1).samples.tolist() == second.samples.tolist()
    other = order(shuffle, groups=groups, seed=4).epoch(0).samples.tolist()
    assert (other == first.samples.tolist()) is (shuffle is False)


def test_stored_order_is_that_of_the_dataset() -> None:
    assert order(False).epoch(5).samples.tolist() == list(range(SAMPLES))


@pytest.mark.parametrize("groups", [None, GROUPS])
def test_shards_are_mixed_in_windows(groups: np.ndarray | None) -> None:
    """Each shard is used in one piece of the epoch, of 5 shards."""
    epoch = order("shard", groups=groups).epoch(2)
    places = np.empty(SAMPLES, np.int64)
    places[epoch.samples] = np.arange(SAMPLES)
    for shard in np.unique(SHARDS):
        of_shard = places[shard == SHARDS]
        assert np.ptp(of_shard) < 5 * 8
    # The shards themselves are in random order, and so are their samples.
    if groups is None:
        assert np.abs(np.diff(SHARDS[epoch.samples])).mean() > 10


@pytest.mark.parametrize("groups", [None, GROUPS])
@pytest.mark.parametrize("training", [True, False])
def test_all_numbers_of_ranks_have_the_same_order(
    groups: np.ndarray | None, training: bool
) -> None:
    of = order(groups=groups)
    expected = of.epoch(0).samples.tolist()
    for ranks in (1, 2, 3, 8):
        of_ranks = plans(of, ranks, training=training)
        lengths = {len(plan) for plan in of_ranks}
        assert len(lengths) == 1 if training else max(lengths) - min(lengths) <= 1
        assert global_order(of_ranks) == expected, ranks


def batches_of_rank(rank: int, ranks: int, state: dict[str, object] | None) -> list[list[int]]:
    plan = RankPlan(order("shard", groups=GROUPS), rank=rank, ranks=ranks)
    if state is not None:
        plan.load_state_dict(state)
    return [batch.tolist() for batch in plan.start()]


def test_processes_see_one_order() -> None:
    """1, 2, 3 and 8 processes; 8 that stop, after which 3 continue."""
    expected = order("shard", groups=GROUPS).epoch(0).samples.tolist()
    stopped = RankPlan(order("shard", groups=GROUPS), ranks=8)
    done = [done for _, done in stopped.batches()][4]
    stopped.finish(done)
    state = stopped.state_dict()
    with ProcessPoolExecutor(3, multiprocessing.get_context("spawn")) as pool:
        for ranks in (1, 2, 3, 8):
            found = list(pool.map(batches_of_rank, range(ranks), [ranks] * ranks, [None] * ranks))
            assert interleaved(found) == expected
        found = list(pool.map(batches_of_rank, range(3), [3] * 3, [state] * 3))
    assert interleaved(found) == expected[done:]


def interleaved(batches: list[list[list[int]]]) -> list[int]:
    """Returns the samples of ranks with as many batches each, step by step."""
    return [sample for step in zip(*batches, strict=True) for batch in step for sample in batch]


@pytest.mark.parametrize("samples", [8, 9, 17, 40, 127, 129, 255])
@pytest.mark.parametrize("batch_size", [2, 16, 300])
def test_every_rank_has_as_many_batches_in_training(samples: int, batch_size: int) -> None:
    of = BatchOrder(np.zeros(samples, np.int64), batch_size, seed=1)
    for ranks in (1, 2, 3, 8):
        cuts = steps_of(of.epoch(0), ranks)
        assert (np.diff(cuts, axis=1) >= 1).all()
        assert (np.diff(cuts, axis=1) <= batch_size).all()
        assert (cuts[0, 0], cuts[-1, -1]) == (0, samples)


@pytest.mark.parametrize("groups", [None, GROUPS])
def test_a_state_continues_with_another_number_of_ranks(groups: np.ndarray | None) -> None:
    of = order("shard", groups=groups)
    for plan in (before := plans(of, 8)):
        plan.set_epoch(4)
    done = global_order(before, steps=3)
    states = [plan.state_dict() for plan in before]
    assert all(state == states[0] for state in states)
    state = json.loads(json.dumps(states[0]))
    for plan in (after := plans(of, 3)):
        plan.load_state_dict(state)
        plan.set_epoch(4)  # what a training loop does at the start of an epoch
    left = global_order(after)
    assert done + left == of.epoch(4).samples.tolist()


def test_a_state_is_of_one_order() -> None:
    state = RankPlan(order()).state_dict()
    RankPlan(order(batch_size=8)).load_state_dict(state)
    for other in (order(seed=4), order("shard"), order(groups=GROUPS)):
        with pytest.raises(rxrx2zarr.UsageError, match="another order"):
            RankPlan(other).load_state_dict(state)
    with pytest.raises(rxrx2zarr.UsageError, match="version"):
        RankPlan(order()).load_state_dict(state | {"version": 9})


def test_epochs_follow_each_other() -> None:
    plan = RankPlan(order())
    for epoch in range(3):
        assert plan.epoch == epoch
        found = [sample for batch in plan.start() for sample in batch.tolist()]
        assert found == order().epoch(epoch).samples.tolist()


def test_batches_that_are_not_full_can_be_dropped() -> None:
    for groups in (None, GROUPS):
        of = order(groups=groups, drop_last=True)
        sizes = [len(batch) for batch in batches_of(of.epoch(0))]
        assert set(sizes) == {16}
        for ranks in (1, 3, 8):
            lengths = [len(plan) for plan in plans(of, ranks)]
            assert lengths == [len(sizes) // ranks] * ranks


def test_evaluation_repeats_and_drops_nothing() -> None:
    of = order(False)
    for ranks in (1, 2, 3, 8, 200):
        of_ranks = plans(of, ranks, training=False)
        found = [sample for plan in of_ranks for batch in plan.start() for sample in batch]
        assert sorted(found) == list(range(SAMPLES))


def test_wrong_arguments_are_refused() -> None:
    for wrong in ({"batch_size": 0}, {"window": 0}, {"groups": GROUPS[:3]}, {"shuffle": "plate"}):
        with pytest.raises(rxrx2zarr.UsageError):
            order(**wrong)  # type: ignore[arg-type]
    with pytest.raises(rxrx2zarr.UsageError, match="no rank 3 of 3"):
        RankPlan(order(), rank=3, ranks=3)
    with pytest.raises(rxrx2zarr.UsageError, match="too few for 9 ranks"):
        RankPlan(BatchOrder(np.zeros(8, np.int64), 4), ranks=9)
