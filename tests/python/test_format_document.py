"""docs/format.md, the kept datasets and the plain reader agree; damaged copies are refused.

Needs no built program: the datasets in tests/data were made by tests/data/make.
"""

from __future__ import annotations

import ast
import hashlib
import json
import math
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zarr

from conftest import load_example
from readers.byte_range import decode, without_crc
from source import array_order

FORMATS = [3, 4]
"""The format versions that docs/format.md describes, each with its tests/data/format-N."""

DATA = Path(__file__).parents[1] / "data"
READER = DATA / "check_dataset.py"
DOCUMENT = (Path(__file__).parents[2] / "docs" / "format.md").read_text(encoding="utf-8")
SHARD = "images.zarr/images/c/0/0/0/0"
LAST_SHARD = "images.zarr/images/c/1/0/0/0"
ARROW_TYPES = {
    "text": pa.string(),
    "int64": pa.int64(),
    "int32": pa.int32(),
    "float64": pa.float64(),
    "boolean": pa.bool_(),
}
STATISTICS = [
    *("xxh3_128", "mean", "std", "min", "max", "p001", "p01", "p50", "p99", "p999"),
    *("saturated", "focus", "sum", "sum_of_squares"),
]
CHANNEL_LABELS = [
    *("stain", "structure", "structure_id", "color", "window_start", "window_end"),
]
AS_TEXT = {
    *("channels", "columns", "embeddings", "planes", "reader_versions", "rows", "settings"),
    "split",
}

check: Callable[[Path], None] = load_example(READER).check
Json = Any
Damage = Callable[[Path], None]


@pytest.fixture(params=FORMATS, ids="format-{}".format)
def kept(request: pytest.FixtureRequest) -> Path:
    return DATA / f"format-{request.param}"


@pytest.fixture
def copy(kept: Path, tmp_path: Path) -> Path:
    """A dataset to be damaged."""
    return shutil.copytree(kept, tmp_path / kept.name)


def root_of(dataset: Path) -> Json:
    return json.loads((dataset / "images.zarr/zarr.json").read_bytes())


def attributes_of(dataset: Path) -> Json:
    """Returns the attributes of the root. Those that are JSON text are parsed."""
    attributes = root_of(dataset)["attributes"]
    for name in AS_TEXT & set(attributes):
        if isinstance(attributes[name], str):
            attributes[name] = json.loads(attributes[name])
    return attributes


def version_of(dataset: Path) -> int:
    return attributes_of(dataset).get("format_version", 3)


def arrays_of(dataset: Path) -> Json:
    return root_of(dataset)["consolidated_metadata"]["metadata"]


def rows_of(dataset: Path, table: str) -> list[dict[str, Json]]:
    return pq.read_table(dataset / table).to_pylist()


# --- What the document says of the kept datasets ---


def test_a_kept_dataset_conforms(kept: Path) -> None:
    check(kept)


def test_every_kept_dataset_is_tested() -> None:
    assert sorted(path.name for path in DATA.glob("format-*")) == [f"format-{v}" for v in FORMATS]


def test_the_reader_is_short_and_plain() -> None:
    text = READER.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 260
    imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import)]
    foreign = {alias.name.split(".")[0] for node in imports for alias in node.names}
    assert foreign - sys.stdlib_module_names == {"zarr", "pyarrow", "xxhash"}


def names_in_document() -> set[str]:
    """Every word that stands in backquotes, and every name in an example of JSON."""
    quoted = re.findall(r"`([^`\n]+)`", DOCUMENT) + re.findall(r'"([a-z_]+)":', DOCUMENT)
    return {word for text in quoted for word in re.findall(r"[A-Za-z0-9_.-]+", text)}


def test_the_document_names_every_attribute_and_object(kept: Path) -> None:
    attributes = attributes_of(kept)
    words = set(attributes)
    for part in ("settings", "planes", "embeddings"):
        words |= set(attributes[part])
    words |= set(attributes.get("rows", {}))
    words |= set(attributes["channels"][0]) | set(attributes["channels"][0]["window"])
    for array in arrays_of(kept).values():
        words |= set(array) | set(array["attributes"])
        words |= {codec["name"] for codec in array["codecs"]}
    words |= {path.name for path in kept.iterdir()}
    words |= set(key_value_metadata(kept, "metadata.parquet")) - {"ARROW:schema"}
    assert words - names_in_document() == set()


def test_windows_of_the_data_are_as_in_the_document(kept: Path) -> None:
    channels = attributes_of(kept)["channels"]
    rows = rows_of(kept, "planes.parquet")
    origins = [channel.get("window_from") for channel in channels]
    if attributes_of(kept).get("format_version", 3) == 3:
        assert origins == [None] * 3
        return
    assert origins == ["data", "given", "data"]
    assert channels[1]["window"] == {"start": 700, "end": 60000, "min": 0, "max": 65535}
    for channel in (channels[0], channels[2]):
        good = [r for r in rows if r["channel"] == channel["name"] and r["status"] == "ok"]
        ends = sorted(math.ceil(row["p999"]) for row in good)
        end = ends[math.ceil(len(ends) * 99 / 100) - 1]
        start = math.floor(min(row["p01"] for row in good))
        assert channel["window"] == {"start": start, "end": end, "min": 0, "max": 65535}


def documented_columns(table: str, version: int) -> dict[str, tuple[pa.DataType, bool]]:
    """Name -> (type, may be null), from the table of the document's section on `table`."""
    section = DOCUMENT.split(f"\n### `{table}`\n")[1].split("\n## ")[0].split("\n### ")[0]
    # Plates are numbers in the kept datasets.
    section = section.replace("| as in `metadata.parquet` |", "| int32 |")
    lines = re.findall(r"^\| (`[^|]*`) \| (\w+) \| (yes|no) \|", section, re.MULTILINE)
    columns = {}
    for names, kind, required in lines:
        for name in re.findall(r"`(\w+)`", names):
            columns[name] = (ARROW_TYPES[kind], required == "no")
    if table == "plates.parquet":
        columns |= {f"mean_w{channel}": (pa.float64(), True) for channel in (1, 2, 3)}
    if table == "planes.parquet":
        # In the kept datasets, planes share their chunks.
        for name in ("object", "byte_offset", "byte_length"):
            columns.pop(name)
    return columns if version > 3 else columns_of_format_3(columns)


FORMAT_3_NAMES = {"object": "shard", "byte_offset": "offset", "byte_length": "length"}


def columns_of_format_3(
    columns: dict[str, tuple[pa.DataType, bool]],
) -> dict[str, tuple[pa.DataType, bool]]:
    """The columns of a table as "Format 3" of the document says."""
    found = {FORMAT_3_NAMES.get(name, name): kind for name, kind in columns.items()}
    for name in ("cause", "pixels"):
        if name in found and "status" in found:
            del found[name]
    long = [name for name in ("site_index", "planes", "plate") if name in found]
    return found | {name: (pa.int64(), found[name][1]) for name in long}


@pytest.mark.parametrize(
    "table", ["planes.parquet", "plates.parquet", "channels.parquet", "channel_stats.parquet"]
)
def test_columns_are_those_of_the_document(kept: Path, table: str) -> None:
    if table in ("plates.parquet", "channels.parquet") and is_format_3(kept):
        assert not (kept / table).exists()
        return
    schema = pq.read_schema(kept / table)
    found = {field.name: (field.type, field.nullable) for field in schema}
    expected = documented_columns(table, int(kept.name[-1]))
    assert list(found.items()) == list(expected.items())


def test_columns_of_metadata_are_those_of_the_document(kept: Path) -> None:
    schema = pq.read_schema(kept / "metadata.parquet")
    found = {field.name: (field.type, field.nullable) for field in schema}
    expected = documented_columns("metadata.parquet", int(kept.name[-1]))
    expected |= required_columns(is_format_3(kept))
    assert found == found | expected
    assert schema.names[0] == "site_index"
    last = [*FORMAT_3_NAMES.items()]
    last = [names[is_format_3(kept)] for names in last]
    assert schema.names[-4:] == [*last, "complete"]
    others = {name: kind for name, kind in found.items() if name not in expected}
    text, integer, number = (ARROW_TYPES[kind] for kind in ("text", "int64", "float64"))
    assert others == {
        "passage": (integer if is_format_3(kept) else pa.int32(), True),
        # A row that is not in the dataset needs 64 bits.
        "score": (integer, True),
        "dose (µM)": (number, True),
        **dict.fromkeys(["is_control", "barcode", "note", "operator"], (text, True)),
    }


def is_format_3(dataset: Path) -> bool:
    return dataset.name == "format-3"


def required_columns(is_old: bool) -> dict[str, tuple[pa.DataType, bool]]:
    section = DOCUMENT.split("Required metadata columns")[1].split("Any other column")[0]
    lines = re.findall(r"^\| `(\w+)` \| (text|int32)(?:, or text)? \|", section, re.MULTILINE)
    found = {name: (ARROW_TYPES[kind], False) for name, kind in lines}
    if is_old:
        del found["site_number"]
        found |= dict.fromkeys(["plate", "site"], (pa.int64(), False))
    return found


def test_columns_of_embeddings_are_those_of_the_document(kept: Path) -> None:
    schema = pq.read_schema(kept / "embeddings.parquet")
    old = is_format_3(kept)
    present = [] if old else ["has_embedding"]
    assert schema.names == ["site_index", "site_id", *present, "embedding"]
    vector = schema.field("embedding")
    assert vector.nullable == old and not vector.type.value_field.nullable
    assert vector.type.value_type == pa.float32()
    assert vector.type.list_size == attributes_of(kept)["embeddings"]["length"]


def key_value_metadata(dataset: Path, table: str) -> dict[str, str]:
    metadata = pq.ParquetFile(dataset / table).metadata.metadata
    return {key.decode(): value.decode() for key, value in metadata.items()}


@pytest.mark.parametrize(
    "table", ["metadata", "planes", "plates", "channels", "channel_stats", "embeddings"]
)
def test_every_table_says_how_to_decode_a_range(kept: Path, table: str) -> None:
    if table in ("plates", "channels") and is_format_3(kept):
        return
    attributes, image = attributes_of(kept), arrays_of(kept)["images"]
    sharding = image["codecs"][0]["configuration"]
    metadata = key_value_metadata(kept, f"{table}.parquet")
    del metadata["ARROW:schema"]
    for name in ("array_shape", "chunk_shape", "chunk_codecs"):
        metadata[name] = json.loads(metadata[name])
    if attributes.get("format_version", 3) == 3:
        assert metadata.pop("generator") == attributes["generator"]
    assert metadata == {
        "array": "images.zarr/images",
        "array_shape": image["shape"],
        "array_dimensions": "site,channel,y,x",
        "data_type": image["data_type"],
        "chunk_shape": sharding["chunk_shape"],
        "chunk_codecs": sharding["codecs"],
        "dataset": attributes.get("title", attributes.get("name")),
        "license": attributes["license"],
        "citation": attributes["citation"],
    }


def test_the_image_array_is_as_in_the_document(kept: Path) -> None:
    text = re.search(r"## The image array.*?```json\n(.*?)```", DOCUMENT, re.DOTALL)
    assert text is not None
    settings, found = attributes_of(kept)["settings"], arrays_of(kept)["images"]
    sharding = found["codecs"][0]["configuration"]
    sites, channels, height, width = found["shape"]
    values = {
        **{"S": sites, "C": channels, "H": height, "W": width, '"uint8"': '"uint16"'},
        "shard_sites": settings["shard_sites"],
        "shard_channels": 4,
        **{"shard_h": height, "shard_w": width, "tile_h": height, "tile_w": width},
        "chunk_sites": settings["chunk_sites"],
        "chunk_channels": settings["chunk_channels"],
        "[...]": json.dumps(sharding["codecs"]),
        "site_id ... window_end": found["attributes"]["coordinates"],
    }
    document = text[1]
    for name, value in values.items():
        edge = r"\b" if name.isidentifier() else ""
        document = re.sub(rf"{edge}{re.escape(name)}{edge}(?!\":)", str(value), document)
    assert json.loads(document) == found
    columns = list(rows_of(kept, "metadata.parquet")[0])[1:-4]
    names = [arrays_name(column) for column in columns]
    of_channels = CHANNEL_LABELS if version_of(kept) > 3 else ["stain"]
    assert found["attributes"]["coordinates"].split(" ") == [*names, *of_channels]


def test_label_arrays_are_as_in_the_document(kept: Path) -> None:
    arrays = arrays_of(kept)
    sites, channels = arrays["images"]["shape"][:2]
    little = {"name": "bytes", "configuration": {"endian": "little"}}
    kinds = {
        "string": ("", {"name": "vlen-utf8"}),
        "bool": (False, little),
        "int32": (0, little),
        "int64": (0, little),
        "float64": ("NaN", little),
    }
    del arrays["images"]
    arrays.pop("overview", None)
    for name, array in arrays.items():
        axes = {
            **{key: {"channel": channels} for key in ["channel", *CHANNEL_LABELS]},
            "present": {"site": sites, "channel": channels},
        }.get(name, {"site": sites})
        fill_value, samples = kinds[array["data_type"]]
        codecs = [
            samples,
            {"name": "zstd", "configuration": {"level": 5, "checksum": False}},
            {"name": "crc32c"},
        ]
        chunk = list(axes.values())
        if "site" in axes and version_of(kept) > 3:
            chunk[0] = 4096
            index = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]
            sharding = {"chunk_shape": chunk, "codecs": codecs}
            sharding |= {"index_codecs": index, "index_location": "end"}
            codecs = [{"name": "sharding_indexed", "configuration": sharding}]
        attributes = array.pop("attributes")
        blank = "_FillValue" if is_format_3(kept) else "blank_value"
        assert set(attributes) - {blank} == {"long_name", "description"}
        assert array == {
            "zarr_format": 3,
            "node_type": "array",
            "shape": list(axes.values()),
            "data_type": array["data_type"],
            "chunk_grid": {
                "name": "regular",
                "configuration": {"chunk_shape": chunk},
            },
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": fill_value,
            "codecs": codecs,
            "dimension_names": list(axes),
        }, name


def arrays_name(column: str) -> str:
    return "site_number" if column == "site" else re.sub(r"[^A-Za-z0-9_.-]", "_", column)


def test_codecs_are_those_of_the_document(kept: Path) -> None:
    codec = attributes_of(kept)["settings"]["codec"]
    image = arrays_of(kept)["images"]
    found = image["codecs"][0]["configuration"]["codecs"]
    line = re.search(rf"^\| `{codec}` \| (.*) \|$", DOCUMENT, re.MULTILINE)
    assert line is not None
    named = re.findall(r"`(numcodecs\.delta|bytes|blosc|zstd|crc32c)`(?! [0-9]|\))", line[1])
    assert [found_codec["name"] for found_codec in found] == [
        name for name in named if not (codec.startswith("blosc") and name == "zstd")
    ]
    plane_bytes = 2 * image["shape"][2] * image["shape"][3]
    assert found == [
        {"name": "bytes", "configuration": {"endian": "little"}},
        {
            "name": "blosc",
            "configuration": {
                "cname": "zstd",
                "clevel": 1,
                "shuffle": "bitshuffle",
                "typesize": 2,
                "blocksize": plane_bytes,
            },
        },
        {"name": "crc32c"},
    ]


def test_rows_are_in_the_order_of_the_document(kept: Path) -> None:
    rows = rows_of(kept, "metadata.parquet")

    def order(row: dict[str, Json]) -> tuple[str, int, tuple[object, ...]]:
        stem, experiment = row["experiment"].rsplit("-", 1)
        number = row.get("site_number", row.get("site"))
        texts = {name: str(row[name]) for name in ("experiment", "plate", "well")}
        texts["site"] = str(number)
        return stem, int(experiment), array_order(texts)[1:]

    keys = [order(row) for row in rows]
    assert keys == sorted(keys)
    experiments = [row["experiment"] for row in rows]
    assert experiments != sorted(experiments), "the order of the names would not be tested"


def test_the_digest_of_the_metadata_is_that_of_the_document(kept: Path) -> None:
    table = pq.read_table(kept / "metadata.parquet")
    hasher = hashlib.sha256(struct.pack("<Q", len(table)))

    def add(kind: bytes, content: bytes) -> None:
        hasher.update(kind + struct.pack("<Q", len(content)) + content)

    for name in table.column_names[1:-4]:
        add(b"c", {"site_number": "site"}.get(name, name).encode())
        for value in table[name].to_pylist():
            match value:
                case None:
                    add(b"n", b"")
                case int():
                    add(b"i", struct.pack("<q", value))
                case float():
                    add(b"f", struct.pack("<d", value))
                case str():
                    add(b"s", value.encode())
    assert hasher.hexdigest() == attributes_of(kept)["metadata_sha256"]


def test_croissant_has_the_size_and_checksum_of_each_table(kept: Path) -> None:
    document = json.loads((kept / "croissant.json").read_bytes())
    files = {file["@id"]: file for file in document["distribution"]}
    assert files.pop("image-shards")["includes"] == "images.zarr/images/c/*/0/0/0"
    sets = {key for key, file in files.items() if file["@type"] == "cr:FileSet"}
    version_4 = "format_version" in attributes_of(kept)
    assert sets == ({"overview", "labels", "zarr-metadata"} if version_4 else set())
    files = {key: file for key, file in files.items() if key not in sets}
    assert sorted(files) == sorted(path.name for path in kept.glob("*.parquet"))
    for key, file in files.items():
        content = (kept / key).read_bytes()
        assert file["contentSize"] == f"{len(content)} B"
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
    for records in document["recordSet"]:
        columns = pq.read_schema(kept / f"{records['@id'].replace('sites', 'metadata')}.parquet")
        fields = [field["source"]["extract"]["column"] for field in records["field"]]
        assert fields == columns.names
        ids = [f"{records['@id']}/{arrays_name(column)}" for column in columns.names]
        assert [field["@id"] for field in records["field"]] == ids


def shard_entries(shard: bytes, entries: int) -> list[tuple[int, int]]:
    return list(struct.iter_unpack("<QQ", without_crc(shard[-16 * entries - 4 :])))


def test_chunks_hold_zeros_outside_the_array(kept: Path) -> None:
    """The last shard holds two sites in chunks of three, and three channels in chunks of two."""
    data = (kept / LAST_SHARD).read_bytes()
    entries = shard_entries(data, 4)
    absent = (2**64 - 1, 2**64 - 1)
    assert entries[2:] == [absent, absent]
    height, width = arrays_of(kept)["images"]["shape"][2:]
    images = zarr.open_group(kept / "images.zarr", mode="r")["images"]
    for column, (offset, length) in enumerate(entries[:2]):
        flat = decode(data[offset : offset + length], "blosc-zstd", np.dtype("<u2"))
        chunk = flat.reshape(3, 2, height, width)
        inside = images[6:8, 2 * column : 2 * column + 2]
        np.testing.assert_array_equal(chunk[: inside.shape[0], : inside.shape[1]], inside)
        assert chunk.any() and not chunk[2].any() and not chunk[:, inside.shape[1] :].any()


def test_the_kept_dataset_has_what_is_easy_to_get_wrong(kept: Path) -> None:
    planes = rows_of(kept, "planes.parquet")
    count = dict.fromkeys(("ok", "missing", "corrupt"), 0)
    for plane in planes:
        count[plane["status"]] += 1
    assert count == {"ok": 20, "missing": 2, "corrupt": 2}
    corrupt = [plane for plane in planes if plane["status"] == "corrupt"]
    assert sorted(plane["source_bytes"] is None for plane in corrupt) == [False, True]
    black = [plane for plane in planes if plane["status"] == "ok" and plane["max"] == 0]
    assert len(black) == 1
    arrays = arrays_of(kept)
    blank = "_FillValue" if is_format_3(kept) else "blank_value"
    assert arrays["passage"]["attributes"][blank] == -1
    assert arrays["score"]["attributes"][blank] == -(2**63)
    assert blank not in arrays["plate"]["attributes"]
    short = "int64" if is_format_3(kept) else "int32"
    types = [arrays[name]["data_type"] for name in ("passage", "score", "site_number")]
    assert types == [short, "int64", short]
    assert "dose___M_" in arrays
    stats = rows_of(kept, "channel_stats.parquet")
    empty = [(row["scope"], row["mean"]) for row in stats if row["planes"] == 0]
    controls = [] if is_format_3(kept) else [("plate_controls", None)] * 3
    assert empty == [("plate", None), *controls]
    vectors = rows_of(kept, "embeddings.parquet")
    without = [row for row in vectors if not row.get("has_embedding", row["embedding"])]
    assert [row["site_id"] for row in without] == ["HUVEC-9_1_B09_2"]


# --- Damage that the reader must refuse ---


def reseal(dataset: Path) -> None:
    """Makes SHA256SUMS anew, so that the damage must be found by what the objects mean."""
    # In format 3 it lists the card, which people edit.
    lists_card = "  README.md\n" in (dataset / "SHA256SUMS").read_text()
    unlisted = {"SHA256SUMS"} if lists_card else {"SHA256SUMS", "README.md"}
    keys = sorted(
        path.relative_to(dataset).as_posix()
        for path in dataset.rglob("*")
        if path.is_file() and path.name not in unlisted
    )
    lines = [f"{hashlib.sha256((dataset / key).read_bytes()).hexdigest()}  {key}\n" for key in keys]
    (dataset / "SHA256SUMS").write_text("".join(lines))


def edit_json(path: Path, edit: Callable[[Json], None]) -> None:
    document = json.loads(path.read_bytes())
    edit(document)
    path.write_text(json.dumps(document))


def edit_rows(path: Path, edit: Callable[[list[dict[str, Json]]], None]) -> None:
    table = pq.read_table(path)
    rows = table.to_pylist()
    edit(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)


def edit_bytes(path: Path, edit: Callable[[bytearray], None]) -> None:
    data = bytearray(path.read_bytes())
    edit(data)
    path.write_bytes(data)


def flip(data: bytearray) -> None:
    data[100] ^= 1


def flip_a_pixel(dataset: Path) -> None:
    edit_bytes(dataset / SHARD, flip)


def cut_a_shard(dataset: Path) -> None:
    edit_bytes(dataset / SHARD, lambda data: data.__delitem__(slice(-7, None)))


def remove_a_shard(dataset: Path) -> None:
    (dataset / LAST_SHARD).unlink()


def exchange_two_chunks(dataset: Path) -> None:
    """The index stays valid: its CRC is made anew."""

    def edit(data: bytearray) -> None:
        index = data[-68:-4]
        index = index[32:] + index[:32]
        data[-68:] = index + struct.pack("<I", google_crc32c.value(bytes(index)))

    edit_bytes(dataset / SHARD, edit)


def break_the_index_checksum(dataset: Path) -> None:
    edit_bytes(dataset / SHARD, lambda data: data.__setitem__(-1, data[-1] ^ 1))


def swap_two_rows(dataset: Path) -> None:
    def edit(rows: list[dict[str, Json]]) -> None:
        rows[0], rows[1] = rows[1], rows[0]

    edit_rows(dataset / "metadata.parquet", edit)


def swap_two_names(dataset: Path) -> None:
    def edit(rows: list[dict[str, Json]]) -> None:
        rows[0]["site_id"], rows[1]["site_id"] = rows[1]["site_id"], rows[0]["site_id"]

    edit_rows(dataset / "metadata.parquet", edit)


def move_a_byte_range(dataset: Path) -> None:
    def edit(rows: list[dict[str, Json]]) -> None:
        name = "offset" if "offset" in rows[3] else "byte_offset"
        rows[3][name] += 1

    edit_rows(dataset / "metadata.parquet", edit)


def call_a_site_complete(dataset: Path) -> None:
    def edit(rows: list[dict[str, Json]]) -> None:
        next(row for row in rows if not row["complete"])["complete"] = True

    edit_rows(dataset / "metadata.parquet", edit)


def call_a_plane_missing(dataset: Path) -> None:
    nulls = dict.fromkeys(["source", "source_bytes", *STATISTICS])

    def edit(rows: list[dict[str, Json]]) -> None:
        rows[0].update(nulls, status="missing")
        if "cause" in rows[0]:
            rows[0].update(cause="missing")

    edit_rows(dataset / "planes.parquet", edit)


def keep_the_error_of_a_good_plane(dataset: Path) -> None:
    edit_rows(dataset / "planes.parquet", lambda rows: rows[0].update(error="it was torn"))


def edit_attribute(root: Json, name: str, **members: Json) -> None:
    """Changes members of a nested attribute, which is JSON text but in format 3."""
    attribute = root["attributes"][name]
    is_text = isinstance(attribute, str)
    attribute = (json.loads(attribute) if is_text else attribute) | members
    root["attributes"][name] = json.dumps(attribute) if is_text else attribute


def count_a_plane_less(dataset: Path) -> None:
    edit_json(
        dataset / "images.zarr/zarr.json",
        lambda root: edit_attribute(root, "planes", missing=1, ok=21),
    )


def state_another_chunk(dataset: Path) -> None:
    edit_json(
        dataset / "images.zarr/zarr.json",
        lambda root: edit_attribute(root, "settings", chunk_sites=1),
    )


def state_another_format(dataset: Path) -> None:
    edit_json(
        dataset / "images.zarr/zarr.json",
        lambda root: root["attributes"].update(format_version=5),
    )


def leave_an_array_out_of_the_root(dataset: Path) -> None:
    edit_json(
        dataset / "images.zarr/zarr.json",
        lambda root: root["consolidated_metadata"]["metadata"].pop("well"),
    )


def change_the_metadata_of_an_array(dataset: Path) -> None:
    edit_json(dataset / "images.zarr/passage/zarr.json", lambda array: array.update(fill_value=7))


def label(name: str, position: tuple[int, ...], value: object) -> Damage:
    """Writes another value into a label array."""

    def damage(dataset: Path) -> None:
        group = zarr.open_group(dataset / "images.zarr", mode="r+", use_consolidated=False)
        group[name][position] = value

    return damage


def embed_another_vector(dataset: Path) -> None:
    edit_rows(dataset / "embeddings.parquet", lambda rows: rows[0]["embedding"].__setitem__(0, 9.0))


def take_an_embedding_away(dataset: Path) -> None:
    def edit(rows: list[dict[str, Json]]) -> None:
        is_old = "has_embedding" not in rows[0]
        rows[0].update({"embedding": None} if is_old else {"has_embedding": False})

    edit_rows(dataset / "embeddings.parquet", edit)


def average_wrongly(dataset: Path) -> None:
    def edit(rows: list[dict[str, Json]]) -> None:
        rows[-1]["mean"] = np.nextafter(rows[-1]["mean"], 0)

    edit_rows(dataset / "channel_stats.parquet", edit)


def unseal(dataset: Path) -> None:
    (dataset / "images.zarr/zarr.json").unlink()


DAMAGES: list[tuple[Damage, str]] = [
    (flip_a_pixel, "checksum do not match"),
    (cut_a_shard, f"index of {SHARD}"),
    (remove_a_shard, LAST_SHARD),
    (exchange_two_chunks, f"index of {SHARD}"),
    (break_the_index_checksum, "checksum do not match"),
    (swap_two_rows, "metadata.parquet, row 0"),
    (swap_two_names, "values of images.zarr/site"),
    (move_a_byte_range, "metadata.parquet, row 3"),
    (call_a_site_complete, "complete"),
    (call_a_plane_missing, "zeros in site 0, channel 0"),
    (keep_the_error_of_a_good_plane, "nulls in planes.parquet, row 0"),
    (count_a_plane_less, "planes: "),
    (state_another_chunk, "settings"),
    (state_another_format, "the format is 3 or 4"),
    (leave_an_array_out_of_the_root, "well"),
    (change_the_metadata_of_an_array, "images.zarr/passage/zarr.json"),
    (label("present", (0, 0), False), "values of images.zarr/present"),
    (label("score", (0,), 5), "values of images.zarr/score"),
    (label("note", (0,), "z"), "values of images.zarr/note"),
    (embed_another_vector, "digest of the embeddings"),
    (take_an_embedding_away, "digest of the embeddings"),
    (average_wrongly, "channel_stats.parquet, row"),
    (unseal, "images.zarr/zarr.json"),
]


def refuses(dataset: Path, complaint: str) -> None:
    with pytest.raises((ValueError, KeyError, OSError), match=re.escape(complaint)):
        check(dataset)


@pytest.mark.parametrize(
    ("damage", "complaint"),
    DAMAGES,
    ids=[f"{d.__name__}-{number}" for number, (d, _) in enumerate(DAMAGES)],
)
def test_damage_is_refused(copy: Path, damage: Damage, complaint: str) -> None:
    damage(copy)
    reseal(copy)
    refuses(copy, complaint)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_a_wrong_statistic_is_refused(copy: Path, statistic: str) -> None:
    def edit(rows: list[dict[str, Json]]) -> None:
        value = rows[0][statistic]
        if isinstance(value, str):
            rows[0][statistic] = f"{int(value, 16) ^ 1:032x}"
        elif isinstance(value, int):
            rows[0][statistic] = value + 1
        else:
            rows[0][statistic] = np.nextafter(value, np.inf)

    edit_rows(copy / "planes.parquet", edit)
    reseal(copy)
    refuses(copy, "planes.parquet, row 0")


@pytest.mark.parametrize(
    ("part", "complaint"),
    [
        ({"rows": {"negative_controls": ["is_control=false"]}}, "channel_stats.parquet, row"),
        ({"rows": {"train": ["plate=2"]}}, "channel_stats.parquet, row"),
        ({"channels": {"stain": "Hoechst"}}, "channels.parquet, row 0"),
        ({"channels": {"emission_nm": 461}}, "channels.parquet, row 0"),
    ],
)
def test_a_root_that_contradicts_a_table_is_refused(
    part: dict[str, dict[str, Json]], complaint: str, tmp_path: Path
) -> None:
    copy = shutil.copytree(DATA / "format-4", tmp_path / "dataset")

    def edit(root: Json) -> None:
        attributes = root["attributes"]
        rules, channels = (json.loads(attributes[name]) for name in ("rows", "channels"))
        channels[0].update(part.get("channels", {}))
        attributes["rows"] = json.dumps(part.get("rows", rules))
        attributes["channels"] = json.dumps(channels)

    edit_json(copy / "images.zarr/zarr.json", edit)
    reseal(copy)
    refuses(copy, complaint)


@pytest.mark.parametrize("version", [version for version in FORMATS if version > 3])
def test_a_bad_plane_without_a_cause_is_refused(version: int, tmp_path: Path) -> None:
    copy = shutil.copytree(DATA / f"format-{version}", tmp_path / "dataset")

    def edit(rows: list[dict[str, Json]]) -> None:
        next(row for row in rows if row["status"] != "ok")["cause"] = None

    edit_rows(copy / "planes.parquet", edit)
    reseal(copy)
    refuses(copy, "nulls in planes.parquet")


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (flip_a_pixel, SHARD),
        (remove_a_shard, "objects that SHA256SUMS lists"),
        (lambda dataset: (dataset / "notes.txt").write_text(""), "objects that SHA256SUMS lists"),
    ],
    ids=["flipped", "removed", "foreign"],
)
def test_checksums_are_compared(copy: Path, damage: Damage, complaint: str) -> None:
    damage(copy)
    refuses(copy, complaint)


def test_the_reader_is_a_program(kept: Path, tmp_path: Path) -> None:
    def run(dataset: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(READER), str(dataset)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert run(kept).returncode == 0
    damaged = shutil.copytree(kept, tmp_path / "dataset")
    flip_a_pixel(damaged)
    refused = run(damaged)
    assert refused.returncode == 1
    assert SHARD in refused.stderr
