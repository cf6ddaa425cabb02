"""Parts of a dataset: crops, columns, plates, splits, normalised pixels and pictures."""

from __future__ import annotations

import pickle
import re
import warnings
import zlib
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest
import rxrx2zarr

from conftest import Made


def test_a_crop_of_each_plane_is_read(made8: Made) -> None:
    ds, pixels = rxrx2zarr.open(made8.root), made8.input.pixels
    assert np.array_equal(ds.read([3, 1, 3], crop=(2, 5, 9, 11)), pixels[[3, 1, 3], :, 2:11, 5:16])
    assert np.array_equal(ds.read([3], ["w2"], crop=(4, 6)), pixels[[3], 1:2, 10:14, 17:23])
    out = np.empty((1, 3, 4, 6), ds.dtype)
    assert ds.read([5], crop=(4, 6), out=out) is out
    assert np.array_equal(out, pixels[[5], :, 10:14, 17:23])
    for crop in ((0, 0, 25, 1), (-1, 0, 4, 4), (0, 37, 4, 4), (0, 4), (25, 4)):
        with pytest.raises(ValueError, match="does not lie in planes of 24x40"):
            ds.read([0], crop=crop)


@pytest.mark.parametrize("name", ["made8", "made16"])
def test_crops_are_squares_around_points(request: pytest.FixtureRequest, name: str) -> None:
    made: Made = request.getfixturevalue(name)
    ds = rxrx2zarr.open(made.root)
    random = np.random.default_rng(1)
    sites = random.integers(0, len(ds), 50)
    y, x = random.uniform(-5, 30, 50), random.uniform(-5, 45, 50)
    size = 9
    crops = ds.crops(sites, y, x, size)
    padded = np.pad(made.input.pixels, ((0, 0), (0, 0), (20, 20), (20, 20)))
    inside = np.pad(np.ones(ds.shape[2:], bool), 20)
    for place, site in enumerate(sites):
        top, left = int(np.floor(y[place])) - 4 + 20, int(np.floor(x[place])) - 4 + 20
        square = (slice(top, top + size), slice(left, left + size))
        assert np.array_equal(crops.pixels[place], padded[site][:, *square])
        assert np.array_equal(crops.mask[place], inside[square])
    assert ds.crops([], [], [], 5).pixels.shape == (0, 3, 5, 5)
    assert np.array_equal(
        ds.crops([1], [5], [5], 4, channels=["w2"]).pixels[0, 0], made.input.pixels[1, 1, 3:7, 3:7]
    )
    # Far outside, there is nothing.
    assert not ds.crops([0], [10**6], [-(10**6)], 4).mask.any()
    with pytest.raises(ValueError, match="same length"):
        ds.crops([0, 1], [5], [5, 5], 4)
    with pytest.raises(IndexError):
        ds.crops([99], [5], [5], 4)


def test_columns_are_arrays(made8: Made) -> None:
    ds = rxrx2zarr.open(made8.root)
    assert ds.metadata.column("dose").tolist() == [site / 4 for site in range(12)]
    assert ds.metadata.column("site_index").dtype == np.int32
    assert ds.metadata.column("grade").tolist()[:4] == [None, "high", "low", None]
    assert ds.metadata.column("rank").tolist()[:4] == [None, 1, 2, None]
    assert ds.metadata.column("complete").all()
    assert ds.site_ids([3, -1]) == [made8.input.site_ids[3], made8.input.site_ids[-1]]
    assert ds.planes.codes("status")[1] == ("ok",)
    with pytest.raises(KeyError, match="colour"):
        ds.metadata.column("colour")
    with pytest.raises(TypeError, match="no texts"):
        ds.metadata.codes("dose")


def test_good_planes_have_an_image(lacking: Made) -> None:
    good = rxrx2zarr.open(lacking.root).good_planes
    assert np.argwhere(~good).tolist() == [[2, 1], [7, 0]]


def test_a_plate_has_wells(paired: Made, made8: Made) -> None:
    plate = rxrx2zarr.open(paired.root).plate("HUVEC-01", 1)
    assert len(plate) == 13
    assert plate.wells["B03"].tolist() == [3, 4, 5]
    assert plate.grid(2).tolist() == [[-1] * 5, [-1, 1, 4, 7, 10]]
    assert plate.montage().shape == (2 * 12, 6 * 20, 3)
    assert plate.montage()[:12].max() == 0
    ds = rxrx2zarr.open(made8.root)
    assert ds.plate("U2OS-04", "1").sites.tolist() == [6, 7, 8, 9, 10, 11]
    with pytest.raises(rxrx2zarr.UsageError, match="no plate 2: it has 1"):
        ds.plate("U2OS-04", 2)
    with pytest.raises(rxrx2zarr.UsageError, match="no experiment 'RPE-01'"):
        ds.plate("RPE-01", 1)


def test_a_split_keeps_groups_whole(made8: Made, paired: Made) -> None:
    ds = rxrx2zarr.open(made8.root)
    parts = ds.split(group="experiment", fractions={"a": 0.5, "b": 0.5})
    assert sorted(map(tuple, (part.tolist() for part in parts.values()))) == [
        tuple(range(6)),
        tuple(range(6, 12)),
    ]
    parts = ds.split(group="well", fractions=[0.5, 0.25, 0.25], seed=1)
    assert list(parts) == ["train", "val", "test"]
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(12))
    assert {name: len(part) for name, part in parts.items()} == {"train": 6, "val": 3, "test": 3}
    again = ds.split(group="well", fractions=[0.5, 0.25, 0.25], seed=1)
    assert all(np.array_equal(parts[name], again[name]) for name in parts)
    other = ds.split(group="well", fractions=[0.5, 0.25, 0.25], seed=2)
    assert not all(np.array_equal(parts[name], other[name]) for name in parts)
    few = ds.split(group="well", fractions={"some": 0.25})
    assert len(few["some"]) == 3
    with pytest.warns(UserWarning, match=r"wells have sites in train and in test, such as .*B0"):
        rxrx2zarr.open(paired.root).split(group="site_id", fractions=[0.5, 0.5])


def test_wrong_splits_are_refused(made8: Made) -> None:
    ds = rxrx2zarr.open(made8.root)
    for call, text in (
        (lambda: ds.split("wilds"), "no split 'wilds'"),
        (lambda: ds.split(), "a name, or group and fractions"),
        (lambda: ds.split("wilds", group="well"), "or group and fractions"),
        (lambda: ds.split(group="colour", fractions=[0.5, 0.5]), "no column 'colour'"),
        (lambda: ds.split(group="well", fractions=[0.9, 0.9]), "at most 1"),
        (lambda: ds.split(group="well", fractions=[1]), "two or three"),
        (lambda: ds.split(group="plate", fractions=[0.5, 0.5]), "too few for 2 parts"),
    ):
        with pytest.raises(rxrx2zarr.UsageError, match=text):
            call()


@pytest.fixture(scope="session")
def wilds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A look-alike of RxRx1 with two experiments that WILDS validates on."""
    from images import png

    root = tmp_path_factory.mktemp("wilds")
    header = "site_id,well_id,cell_type,dataset,experiment,plate,well,site,well_type,sirna,sirna_id"
    rows = [header]
    parts = {"HEPG2-01": "train", "HEPG2-08": "test", "HEPG2-09": "test", "RPE-08": "test"}
    image = png(np.zeros((4, 4), np.uint8))
    for experiment, part in parts.items():
        for site in (1, 2):
            well_id = f"{experiment}_1_B02"
            cell = experiment.split("-")[0]
            rows.append(
                f"{well_id}_{site},{well_id},{cell},{part},{experiment},1,B02,{site},treatment,s1,1"
            )
            for channel in range(1, 7):
                path = root / f"in/images/{experiment}/Plate1/B02_s{site}_w{channel}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(image)
    (root / "in/metadata.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    rxrx2zarr.convert(root / "in", root / "out", profile="rxrx1")
    return root / "out"


def test_the_profile_tells_the_split_of_wilds(wilds: Path) -> None:
    ds = rxrx2zarr.open(wilds)
    assert ds.profile == "rxrx1"
    with pytest.warns(UserWarning, match="1 wells have sites in train and in id_test"):
        parts = ds.split("wilds")
    names = {name: ds.site_ids(part) for name, part in parts.items()}
    assert names == {
        "train": ["HEPG2-01_1_B02_1"],
        "val": ["HEPG2-08_1_B02_1", "HEPG2-08_1_B02_2", "RPE-08_1_B02_1", "RPE-08_1_B02_2"],
        "test": ["HEPG2-09_1_B02_1", "HEPG2-09_1_B02_2"],
        "id_test": ["HEPG2-01_1_B02_2"],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        published = ds.split("published")
    assert {name: len(part) for name, part in published.items()} == {"train": 2, "test": 6}


def test_pixels_are_normalised_by_their_group(lacking: Made) -> None:
    ds = rxrx2zarr.open(lacking.root)
    normalized = ds.normalized()
    read = normalized.read(range(6), channels=["w2"])
    assert (read.dtype, read.shape) == (np.float32, (6, 1, 24, 40))
    assert not read[2].any()
    good = np.delete(lacking.input.pixels[:6, 1].astype(float), 2, axis=0)
    expected = (good - good.mean()) / good.std()
    assert np.allclose(np.delete(read[:, 0], 2, axis=0), expected, atol=1e-4)
    assert np.allclose(normalized[1], normalized.read([1])[0])
    assert np.allclose(normalized.read([1], crop=(2, 2)), normalized.read([1])[:, :, 11:13, 19:21])
    whole = ds.normalized("dataset").read(range(12))
    assert abs(float(whole[ds.good_planes].mean())) < 1e-3
    with pytest.raises(rxrx2zarr.UsageError, match="no scope 'well'"):
        ds.normalized("well")
    with pytest.raises(rxrx2zarr.UsageError, match="no statistics of the scope 'plate_controls'"):
        ds.normalized("plate_controls")


def pictures(html: str) -> list[tuple[int, int]]:
    """Returns height and width of each picture, which is decoded."""
    found = []
    for text in re.findall(r'src="data:image/png;base64,([^"]+)"', html):
        data = b64decode(text)
        width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
        start = data.index(b"IDAT") + 4
        length = int.from_bytes(data[start - 8 : start - 4], "big")
        rows = zlib.decompress(data[start : start + length])
        assert len(rows) == height * (1 + 3 * width)
        found.append((height, width))
    return found


def test_a_notebook_shows_thumbnails(made8: Made, made16: Made) -> None:
    for made in (made8, made16):
        ds = rxrx2zarr.open(made.root)
        html = ds._repr_html_()
        assert "site, channel, y, x" in html
        assert pictures(html) == [(24, 40)] * min(6, len(ds))
        shown = ds[0]._repr_html_()
        assert pictures(shown) == [(24, 40)] * 4
        assert "3&times;24&times;40" in shown
        assert (ds[0] + 1)._repr_html_() is None
        assert len(pictures(ds.plate("HUVEC-01", 1)._repr_html_())) == 1
    assert ds.thumbnails([0], 10).shape == (1, 3, 6, 10)
    squares = made16.input.pixels[0, :, :24, :40].reshape(3, 6, 4, 10, 4).mean(axis=(2, 4))
    assert np.array_equal(ds.thumbnails([0], 10)[0], squares.astype(np.uint16))


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Planes of 130 x 150 pixels, of which an overview has 44 x 50: the mean of 3 x 3."""
    from images import make_input

    root = tmp_path_factory.mktemp("large")
    source = make_input(root / "input", 5, np.uint8, size=(130, 150))
    rxrx2zarr.convert(source.root, root / "dataset", shard_sites=2)
    return Made(root / "dataset", source)


def test_an_overview_has_the_means_of_squares(large: Made) -> None:
    ds = rxrx2zarr.open(large.root)
    overview = ds.overview
    assert (overview.shape, overview.dtype) == ((5, 3, 44, 50), np.uint8)
    whole = large.input.pixels[:, :, :129].reshape(5, 3, 43, 3, 50, 3).astype(np.int64)
    expected = (2 * whole.sum(axis=(3, 5)) + 9) // 18
    assert np.array_equal(
        overview.read([3, 0, 3], ["w2", "w1"])[:, :, :43], expected[[3, 0, 3]][:, [1, 0]]
    )
    assert np.array_equal(np.asarray(overview)[:, :, :43], expected)
    assert np.array_equal(overview[1], overview[ds.site_ids([1])[0]])
    assert overview[1:3].shape == (2, 3, 44, 50)
    assert repr(overview).startswith("<rxrx2zarr.Overview 5x3x44x50 of <rxrx2zarr.Dataset ")
    # Thumbnails of its size are taken from it.
    assert np.array_equal(ds.thumbnails([2], 50), overview.read([2]))
    assert ds.thumbnails([2], 25).shape == (1, 3, 22, 25)
    assert ds.thumbnails([2], 150).shape == (1, 3, 130, 150)
    with pytest.raises(IndexError):
        overview.read([5])
    with pytest.raises(ValueError, match="new memory"):
        np.array(overview, copy=False)


def test_what_a_dataset_gives_can_be_pickled(made8: Made) -> None:
    ds = rxrx2zarr.open(made8.root)
    plate = ds.plate("U2OS-04", 1)
    for value in (ds.metadata, ds.planes, ds.classes, ds.overview, ds.normalized(), plate, ds[0]):
        copy = pickle.loads(pickle.dumps(value))
        assert type(copy) is type(value)
        assert len(copy) == len(value)
    assert pickle.loads(pickle.dumps(plate)).sites.tolist() == plate.sites.tolist()
    assert np.array_equal(pickle.loads(pickle.dumps(ds[0])), made8.input.pixels[0])
    assert pickle.loads(pickle.dumps(ds.crops([0], [3], [3], 4))).mask.all()
