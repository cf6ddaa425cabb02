"""Checks a sealed dataset of format 3 or 4 against docs/format.md, up to the first statement of
it that does not hold, with zarr, pyarrow and xxhash alone: check_dataset.py DATASET
"""

import fnmatch
import hashlib
import itertools
import json
import math
import re
import struct
import sys
from pathlib import Path

import pyarrow.parquet as pq
import xxhash
import zarr

ABSENT = (2**64 - 1, 2**64 - 1)
QUANTILES = {"p001": 0.001, "p01": 0.01, "p50": 0.5, "p99": 0.99, "p999": 0.999}


def demand(found, expected, what):
    if found != expected:
        raise ValueError(f"{what}: found {found!s:.300}, expected {expected!s:.300}")


def check_table(root, name, expected):
    rows = pq.read_table(root / f"{name}.parquet").to_pylist()
    for number, (row, columns) in enumerate(zip(rows, expected, strict=True)):
        demand({key: row[key] for key in columns}, columns, f"{name}.parquet, row {number}")
    return rows


def mean_and_std(n, total, squares):
    std = math.sqrt(float(n * squares - total**2)) / float(n) if n else None
    return {"mean": float(total) / float(n) if n else None, "std": std}


def statistics(plane):  # the columns of a plane whose status is ok
    p, bits = plane.astype("int64"), 8 * plane.itemsize
    n, total, squares = p.size, int(p.sum()), int((p * p).sum())  # int64 holds 10^8 pixels
    found = mean_and_std(n, total, squares) | {"sum": total, "sum_of_squares": squares}
    ordered = sorted(p.ravel().tolist())
    found |= {"min": ordered[0], "max": ordered[-1], "saturated": ordered.count(2**bits - 1) / n}
    for name, fraction in QUANTILES.items():
        rank, w = divmod(fraction * (n - 1), 1)
        low, high = ordered[int(rank)], ordered[min(int(rank) + 1, n - 1)]
        found[name] = low + (high - low) * w if w < 0.5 else high - (high - low) * (1 - w)
    laplacian = p[:-2, 1:-1] + p[2:, 1:-1] + p[1:-1, :-2] + p[1:-1, 2:] - 4 * p[1:-1, 1:-1]
    m, e, d = laplacian.size, int(laplacian.sum()), int((laplacian * laplacian).sum())
    found["focus"] = float(m * d - e**2) / float(m * m) if m else 0.0
    return found | {"xxh3_128": xxhash.xxh3_128_hexdigest(plane.astype(f"<u{bits // 8}"))}


def expected_sites(root, sites, shard, chunk, place):
    # Where they lie, by the indices of the shards.
    per_site = math.prod(s // c for s, c in zip(shard[1:], chunk[1:], strict=True))
    size = 16 * (shard[0] // chunk[0]) * per_site  # zarr checks the CRC behind the index
    for number in range(-(-sites // shard[0])):
        key = f"images.zarr/images/c/{number}/0/0/0"
        entries, end = struct.iter_unpack("<QQ", (root / key).read_bytes()[-size - 4 : -4]), 0
        for first in range(number * shard[0], (number + 1) * shard[0], chunk[0]):
            begin = end
            for entry in itertools.islice(entries, per_site):
                demand(entry, (end, entry[1]) if first < sites else ABSENT, f"index of {key}")
                end += entry[1]
            for site in range(first, min(first + chunk[0], sites)):
                yield {"site_index": site} | dict(
                    zip(place, (key, begin, end - begin), strict=True)
                )


def expected_planes(images, names, planes, version):
    for number, row in enumerate(planes):
        site, channel = divmod(number, len(names))
        ok, found = row["status"] == "ok", statistics(images[site, channel])
        found |= {"pixels": images[0, 0].size} if version > 3 else {}
        demand(ok or found["max"] == 0, True, f"zeros in site {site}, channel {channel}")
        is_bad = row["status"] in ("unreadable", "corrupt")
        filled = {"source": row["status"] != "missing", "error": is_bad}
        filled |= {"cause": not ok} if version > 3 else {}
        is_filled = {name: row[name] is not None for name in filled}
        demand(is_filled, filled, f"nulls in planes.parquet, row {number}")
        found = found if ok else dict.fromkeys(found)
        yield {"site_index": site, "channel": names[channel]} | found


def expected_channels(channels):
    known = ("stain", "structure", "color", "window_from", "excitation_nm", "emission_nm")
    for index, channel in enumerate(channels):
        found = {name: channel.get(name) or None for name in known} | {"channel_index": index}
        window = {f"window_{end}": channel["window"][end] for end in ("start", "end")}
        yield found | window | {"channel": channel["name"]}


def fits(row, clauses):  # at least one clause of each column that they name
    found = {}
    for clause in clauses:
        column, pattern = clause.split("=") if "=" in clause else ("experiment", clause)
        value = row["site_number" if column == "site" else column]
        same = fnmatch.fnmatchcase(str(value), pattern) if pattern else value is None
        found[column] = found.get(column, False) or same
    return all(found.values())


def expected_stats(rows, names, planes, images, rules):
    # From none, one or both of the columns experiment and plate, and a rule or none.
    groups = [("dataset", 0, None), ("experiment", 1, None), ("plate", 2, None)]
    groups += [("plate_controls", 2, "negative_controls"), ("train", 0, "train")]
    for scope, columns, rule in groups:
        if rule and rule not in rules:
            continue
        keys = [(row["experiment"], row["plate"])[:columns] for row in rows]
        belongs = [not rule or fits(row, rules[rule]) for row in rows]
        for key, channel in itertools.product(dict.fromkeys(keys), names):
            ok = [p for p in planes if p["status"] == "ok" and belongs[p["site_index"]]]
            ok = [p for p in ok if (keys[p["site_index"]], p["channel"]) == (key, channel)]
            n = len(ok) * math.prod(images.shape[2:])
            sums = [sum(plane[name] for plane in ok) for name in ("sum", "sum_of_squares")]
            group = dict(itertools.zip_longest(("experiment", "plate"), key))
            group |= {"scope": scope, "channel": channel, "planes": len(ok), "pixels": n}
            yield group | mean_and_std(n, *sums)


def expected_overview(plane):  # rounded half up, in integers
    f = max(1, -(-max(plane.shape) // 64))
    height, width = (range(0, length, f) for length in plane.shape)
    boxes = [[plane[y : y + f, x : x + f] for x in width] for y in height]
    return [[(2 * int(b.sum()) + b.size) // (2 * b.size) for b in row] for row in boxes]


def check_overview(overview, images):
    demand(overview.metadata.dimension_names[2:], ("overview_y", "overview_x"), "dimensions")
    sites = images.shards[0]
    layout = ((sites, images.shape[1]), (sites, 1))
    demand((overview.shards[:2], overview.chunks[:2]), layout, "layout of the overview")
    demand(overview.dtype, images.dtype, "type of the overview")
    for site, channel in itertools.product(range(images.shape[0]), range(images.shape[1])):
        expected = expected_overview(images[site, channel])
        what = f"overview of site {site}, channel {channel}"
        demand(overview[site, channel].tolist(), expected, what)


def expected_plates(rows, names, planes, images):
    keys = [(row["experiment"], row["plate"]) for row in rows]
    for key, group in itertools.groupby(range(len(rows)), key=lambda site: keys[site]):
        sites = list(group)
        of_plate = planes[sites[0] * len(names) : (sites[-1] + 1) * len(names)]
        status = [plane["status"] for plane in of_plate]
        found = {"experiment": key[0], "plate": key[1], "first_site": sites[0]}
        found |= {"sites": len(sites), "wells": len({rows[site]["well"] for site in sites})}
        bad = status.count("unreadable") + status.count("corrupt")
        found |= {"missing": status.count("missing"), "bad": bad}
        for name in names:
            ok = [p for p in of_plate if (p["status"], p["channel"]) == ("ok", name)]
            n = len(ok) * math.prod(images.shape[2:])
            found[f"mean_{name}"] = float(sum(p["sum"] for p in ok)) / float(n) if n else None
        yield found


def channel_labels(channels, version):
    labels = {key: [c[key] for c in channels] for key in ("stain", "structure", "color")}
    labels["structure_id"] = [" ".join(c.get("structure_ids", [])) for c in channels]
    for end in ("start", "end"):
        labels[f"window_{end}"] = [c["window"][end] for c in channels]
    return labels if version > 3 else {"stain": labels["stain"]}


def check_labels(group, arrays, labels, rows):
    for column in list(rows[0])[1:-4]:
        name = "site_number" if column == "site" else re.sub(r"[^A-Za-z0-9_.-]", "_", column)
        blank = {"string": "", "float64": math.nan}.get(arrays[name]["data_type"])
        for attribute in ("_FillValue", "blank_value"):  # of format 3, of format 4
            blank = arrays[name]["attributes"].get(attribute, blank)
        labels[name] = [blank if row[column] is None else row[column] for row in rows]
    others = ["images", "overview"] if "overview" in arrays else ["images"]
    demand(sorted(arrays), sorted([*labels, *others]), "arrays of the root")
    for name, values in labels.items():
        demand(str(group[name][:].tolist()), str(values), f"values of images.zarr/{name}")
        if group[name].shards:  # not in format 3, and not along channel
            layout = [4096 * math.ceil(len(values) / 4096), 4096]
            demand([group[name].shards[0], group[name].chunks[0]], layout, f"chunks of {name}")


def check(root):
    document = json.loads((root / "images.zarr/zarr.json").read_bytes())
    attributes, arrays = document["attributes"], document["consolidated_metadata"]["metadata"]
    for name in ("channels", "columns", "embeddings", "planes", "rows", "settings"):
        if isinstance(attributes.get(name), str):  # not in format 3
            attributes[name] = json.loads(attributes[name])
    version = attributes.get("format_version", attributes.get("format"))
    demand(version in (3, 4), True, "the format is 3 or 4")
    # Every object, then the metadata of each array, the layout, the tables and the labels.
    files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    # People edit the card: the root has its checksum, in format 3 the list.
    lists = {"SHA256SUMS", "store-checksums.json"} | ({"README.md"} if version == 4 else set())
    keys, lines = sorted(files - lists), (root / "SHA256SUMS").read_text().splitlines()
    demand([line[66:] for line in lines], keys, "objects that SHA256SUMS lists")
    for key, line in zip(keys, lines, strict=True):
        demand(line[:66], hashlib.sha256((root / key).read_bytes()).hexdigest() + "  ", key)
    for name, array in arrays.items():
        key = f"images.zarr/{name}/zarr.json"
        demand(json.loads((root / key).read_bytes()), array, key)
    group = zarr.open_group(root / "images.zarr", mode="r")
    images, settings = group["images"], attributes["settings"]
    layout = [settings[name] for name in ("shard_sites", "chunk_sites", "chunk_channels")]
    demand([images.shards[0], *images.chunks[:2]], layout, "settings")
    tile = [min(settings.get("tile", length), length) for length in images.shape[2:]]
    demand(list(images.chunks[2:]), tile, "tile of the settings")
    names = [channel["name"] for channel in attributes["channels"]]
    place = (
        ("object", "byte_offset", "byte_length") if version > 3 else ("shard", "offset", "length")
    )
    expected = expected_sites(root, images.shape[0], images.shards, images.chunks, place)
    rows = check_table(root, "metadata", expected)
    planes = pq.read_table(root / "planes.parquet").to_pylist()
    has_places = images.chunks[:2] == (1, 1) and version > 3
    demand("byte_offset" in planes[0], has_places, "columns with the places of planes")
    if has_places:  # as of an array whose sites are the planes
        shard = (images.shards[0] * len(names), 1, *images.shards[2:])
        places = expected_sites(root, len(planes), shard, images.chunks, place)
        for found, row in zip(places, planes, strict=True):
            where = {name: found[name] for name in place}
            demand({name: row[name] for name in place}, where, "place of a plane")
    check_table(root, "planes", expected_planes(images[:], names, planes, version))
    rules = attributes.get("rows", {})
    check_table(root, "channel_stats", expected_stats(rows, names, planes, images, rules))
    if version > 3:
        check_table(root, "channels", expected_channels(attributes["channels"]))
        check_table(root, "plates", expected_plates(rows, names, planes, images))
        check_overview(group["overview"], images)
    status = [row["status"] for row in planes]
    demand({key: status.count(key) for key in attributes["planes"]}, attributes["planes"], "planes")
    ok = iter([key == "ok" for key in status])
    present = [[next(ok) for _ in names] for _ in rows]
    demand([row["complete"] for row in rows], [all(flags) for flags in present], "complete")
    labels = channel_labels(attributes["channels"], version)
    labels |= {"channel": names, "present": present}
    check_labels(group, arrays, labels | {"site": [row["site_id"] for row in rows]}, rows)
    if "embeddings" in attributes:
        expected = ({key: row[key] for key in ("site_index", "site_id")} for row in rows)
        rows = check_table(root, "embeddings", expected)
        vectors = [row["embedding"] if row.get("has_embedding", True) else None for row in rows]
        packed = [struct.pack(f"<?{len(v or [])}f", v is not None, *(v or [])) for v in vectors]
        digest = hashlib.sha256(b"".join(packed)).hexdigest()
        demand(digest, attributes["embeddings"]["sha256"], "digest of the embeddings")


if __name__ == "__main__":
    check(Path(sys.argv[1]))
