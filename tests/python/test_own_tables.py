"""Plates of other microscopes: names by a pattern, no table, tables of wells, joins, plate maps."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zarr
from numpy.typing import NDArray
from PIL import Image

from converter import run

SHAPE = (12, 16)


def draw(*seed: int) -> NDArray[np.uint16]:
    return np.random.default_rng(seed).integers(1, 4000, SHAPE, np.uint16)


def write_image(path: Path, pixels: NDArray[np.uint16]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def harmony(root: Path, wells: list[tuple[int, int]], zs: tuple[int, ...] = (1,)) -> None:
    """Writes plates as Harmony exports them: two sites, three channels."""
    for plate, name in enumerate(("BR00116991", "BR00116992")):
        for row, column in wells:
            for site in (1, 2):
                for channel in (1, 2, 5):
                    for z in zs:
                        file = f"r{row:02}c{column:02}f{site:02}p{z:02}-ch{channel}sk1fk1fl1.png"
                        folder = root / f"{name}__2020-11-05-Measurement1" / "Images"
                        write_image(folder / file, draw(plate, row, column, site, channel, z))


def converted(*arguments: str | Path) -> None:
    done = run("convert", *arguments)
    assert done.returncode == 0, done.stderr


def rows(output: Path, *columns: str) -> list[tuple[object, ...]]:
    table = pq.read_table(output / "metadata.parquet", columns=list(columns))
    return list(zip(*(table[column].to_pylist() for column in columns), strict=True))


def images(output: Path) -> NDArray[np.uint16]:
    return np.asarray(zarr.open_group(output / "images.zarr", mode="r")["images"][:])


def names(output: Path, label: str) -> list[str]:
    return zarr.open_group(output / "images.zarr", mode="r")[label][:].tolist()


def test_a_plate_without_a_table_is_converted_by_its_names(tmp_path: Path) -> None:
    source, output = tmp_path / "screen", tmp_path / "out"
    harmony(source, [(1, 1), (16, 24)])
    refused = run("plan", source)
    assert refused.returncode == 1
    assert "They fit --pattern harmony: BR00116991__" in refused.stderr
    assert refused.stderr.count("well A01, site 1, channel") == 3

    converted(source, output, "--pattern", "harmony")
    keys = rows(output, "experiment", "plate", "well", "site_number")
    plates, wells = ("BR00116991", "BR00116992"), (("A01", 1, 1), ("P24", 16, 24))
    expected = [("screen", p, well, site) for p in plates for well, *_ in wells for site in (1, 2)]
    assert keys == expected
    pixels = images(output)
    index = 0
    for plate in range(2):
        for _, row, column in wells:
            for site in (1, 2):
                for position, channel in enumerate((1, 2, 5)):
                    drawn = draw(plate, row, column, site, channel, 1)
                    assert np.array_equal(pixels[index, position], drawn)
                index += 1
    assert names(output, "channel") == ["w1", "w2", "w5"]
    assert names(output, "plate") == [plate for plate in plates for _ in range(4)]
    stats = pq.read_table(output / "channel_stats.parquet")
    assert stats.schema.field("plate").type == pa.string()
    assert set(stats["plate"].to_pylist()) == {None, *plates}

    # The dataset knows how its images were named; INPUT and pattern need not be repeated.
    verified = run("verify", output, "--source", source, "--metadata", "none")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    again = run("convert", source, output, "--pattern", "harmony")
    assert (again.returncode, "complete already" in again.stderr + again.stdout) == (0, True)
    other = run("convert", source, output, "--pattern", "harmony", "--experiment", "other")
    assert other.returncode == 1 and "other rows or values" in other.stderr, other.stderr


def test_one_of_several_planes_is_chosen(tmp_path: Path) -> None:
    source, output = tmp_path / "stack", tmp_path / "out"
    harmony(source, [(2, 3)], zs=(1, 2, 3))
    several = run("convert", source, output, "--pattern", "harmony")
    assert several.returncode == 1
    assert "several values of z (1, 2, 3); choose one with --z N" in several.stderr
    unknown = run("convert", source, output, "--pattern", "harmony", "--z", "mean")
    assert unknown.returncode == 2 and "a whole number, such as 1, or max" in unknown.stderr

    converted(source, output, "--pattern", "harmony", "--z", "2")
    assert np.array_equal(images(output)[1, 2], draw(0, 2, 3, 2, 5, 2))
    assert (
        "Only one depth of each stack, z = 2, was converted." in (output / "README.md").read_text()
    )


def test_channels_keep_their_names_in_the_given_order(tmp_path: Path) -> None:
    source, output = tmp_path / "in", tmp_path / "out"
    for number, channel in enumerate(("DAPI", "ER", "BF")):
        for site in (1, 2):
            write_image(source / "P7" / f"b2-f{site}_{channel}.png", draw(number, site))
    pattern = ("--pattern", "{plate}/{well}-f{site}_{channel}")
    unordered = run("plan", source, *pattern)
    assert unordered.returncode == 1 and "--channels 'BF,DAPI,ER'" in unordered.stderr
    converted(source, output, *pattern, "--channels", "ER,DAPI", "--experiment", "mine-03")
    assert names(output, "channel") == ["ER", "DAPI"]
    assert names(output, "stain") == ["", ""]
    assert rows(output, "experiment", "plate", "well") == [("mine-3", "P7", "B02")] * 2
    assert np.array_equal(images(output)[1, 0], draw(1, 2))
    planes = pq.read_table(output / "planes.parquet")
    assert planes["channel"].to_pylist() == ["ER", "DAPI"] * 2
    verified = run("verify", output, "--source", source, "--metadata", "none")
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.parametrize("form", ["grid", "long", "sheet"])
def test_a_plate_map_is_joined_by_well(tmp_path: Path, form: str) -> None:
    source, output = tmp_path / "in", tmp_path / "out"
    harmony(source, [(1, 1), (8, 12)])
    where = {
        "grid": tmp_path / "map.csv",
        "long": tmp_path / "map.tsv",
        "sheet": tmp_path / "m.xlsx",
    }
    path = where[form]
    letters = "ABCDEFGH"
    cells = {f"{row}{column}": f"t{row}{column}" for row in letters for column in range(1, 13)}
    if form == "grid":
        lines = [["treatment", *range(1, 13)]]
        lines += [[row, *(cells[f"{row}{column}"] for column in range(1, 13))] for row in letters]
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(lines)
    elif form == "long":
        path.write_text("well\ttreatment\n" + "".join(f"{w}\t{t}\n" for w, t in cells.items()))
    else:
        write_sheet(
            path,
            [
                ["", *range(1, 13)],
                *([r, *(cells[f"{r}{c}"] for c in range(1, 13))] for r in letters),
            ],
        )
    option = f"{path}#Sheet1" if form == "sheet" else path
    planned = run("plan", source, "--pattern", "harmony", "--platemap", option, "--json")
    problems = {p["kind"]: p["count"] for p in json.loads(planned.stdout)["problems"]}
    assert problems == {"platemap_wells_unused": 94}
    converted(source, output, "--pattern", "harmony", "--platemap", option)
    column = "platemap" if form == "sheet" else "treatment"
    expected = [("A01", "tA1"), ("A01", "tA1"), ("H12", "tH12"), ("H12", "tH12")] * 2
    assert rows(output, "well", column) == expected


def write_sheet(path: Path, lines: list[list[object]]) -> None:
    """Writes an .xlsx file of one sheet, as small as the format allows."""

    def cell(row: int, column: int, value: object) -> str:
        at = f"{chr(65 + column)}{row + 1}"
        if isinstance(value, int):
            return f'<c r="{at}"><v>{value}</v></c>'
        return f'<c r="{at}" t="inlineStr"><is><t>{value}</t></is></c>'

    data = ""
    for row, line in enumerate(lines):
        cells = (cell(row, column, value) for column, value in enumerate(line) if value != "")
        data += f'<row r="{row + 1}">{"".join(cells)}</row>'
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    files = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet '
        'name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
        "</Relationships>",
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{data}</sheetData>'
        "</worksheet>",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)


def test_the_kaggle_form_is_expanded_to_sites(tmp_path: Path) -> None:
    source, output = tmp_path / "in", tmp_path / "out"
    wells = [("train", "HEPG2-01", "B02"), ("train", "HEPG2-01", "B03"), ("test", "U2OS-04", "C05")]
    for number, (dataset, experiment, well) in enumerate(wells):
        for site in (1, 2):
            for channel in (1, 2):
                path = source / dataset / experiment / "Plate1" / f"{well}_s{site}_w{channel}.png"
                write_image(path, draw(number, site, channel))
    (source / "train.csv").write_text(
        "id_code,experiment,plate,well,sirna\nHEPG2-01_1_B02,HEPG2-01,1,B02,sirna_852\n"
    )
    (source / "train_controls.csv").write_text(
        "id_code,experiment,plate,well,sirna,well_type\n"
        "HEPG2-01_1_B03,HEPG2-01,1,B03,UNTREATED,negative_control\n"
    )
    (source / "test.csv").write_text("id_code,experiment,plate,well\nU2OS-04_1_C05,U2OS-04,1,C05\n")
    converted(source, output)
    expected = [
        ("HEPG2-01_1_B02_1", "train", "HEPG2", "treatment", "sirna_852"),
        ("HEPG2-01_1_B02_2", "train", "HEPG2", "treatment", "sirna_852"),
        ("HEPG2-01_1_B03_1", "train", "HEPG2", "negative_control", "UNTREATED"),
        ("HEPG2-01_1_B03_2", "train", "HEPG2", "negative_control", "UNTREATED"),
        ("U2OS-04_1_C05_1", "test", "U2OS", "treatment", None),
        ("U2OS-04_1_C05_2", "test", "U2OS", "treatment", None),
    ]
    assert rows(output, "site_id", "dataset", "cell_type", "well_type", "sirna") == expected
    assert np.array_equal(images(output)[5, 1], draw(2, 2, 2))
    verified = run("verify", output, "--source", source)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_several_tables_and_a_joined_one(tmp_path: Path) -> None:
    source, output = tmp_path / "in", tmp_path / "out"
    harmony(source, [(1, 1)])
    for plate in ("BR00116991", "BR00116992"):
        table = tmp_path / f"{plate}.csv"
        lines = [f"{plate},A01,{site}\n" for site in (1, 2)]
        table.write_text("Metadata_Plate,Metadata_Well,Metadata_Site\n" + "".join(lines))
    wells = tmp_path / "wells.parquet"
    pq.write_table(pa.table({"well": ["A1"], "plate": ["BR00116992"], "dose": [2.5]}), wells)
    tables = [
        v for p in ("BR00116991", "BR00116992") for v in ("--metadata", tmp_path / f"{p}.csv")
    ]
    options = ("--pattern", "harmony", *tables, "--join", wells, "--on", "plate,well")
    converted(source, output, *options)
    expected = [("BR00116991", None)] * 2 + [("BR00116992", 2.5)] * 2
    assert rows(output, "plate", "dose") == expected
    verified = run("verify", output, "--source", source, *options[2:])
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_embeddings_by_well_from_parquet(tmp_path: Path) -> None:
    source, output = tmp_path / "in", tmp_path / "out"
    for number, well in enumerate(("A1", "A2")):
        write_image(source / f"{well}_1.png", draw(number))
    vectors = tmp_path / "e.parquet"
    fixed = pa.FixedSizeListArray.from_arrays(pa.array([1.5, 2, 3, 4], pa.float32()), 2)
    ids = pa.array(["in_1_A02", "in_1_A01"])
    pq.write_table(pa.table({"well_id": ids, "embedding": fixed}), vectors)
    converted(source, output, "--pattern", "{well}_{channel}", "--embeddings", vectors)
    read = pq.read_table(output / "embeddings.parquet")["embedding"].to_pylist()
    assert read == [[3, 4], [1.5, 2]]


@pytest.mark.parametrize("form", ["address", "pair", "absolute"])
def test_paths_come_from_columns_of_the_table(tmp_path: Path, form: str) -> None:
    source, output = tmp_path / "in", tmp_path / "out"
    harmony(source, [(1, 1)])
    lines, blank = [], {("BR00116992", 2, 5)}
    for plate in ("BR00116991", "BR00116992"):
        for site in (1, 2):
            line = {"Metadata_Plate": plate, "Metadata_Well": "A01", "Metadata_Site": site}
            for name, channel in (("RNA", 5), ("DNA", 1)):
                folder = f"{plate}__2020-11-05-Measurement1/Images"
                file = f"r01c01f{site:02}p01-ch{channel}sk1fk1fl1.png"
                base = {"address": "s3://other/x", "pair": "/home/u", "absolute": source}[form]
                is_blank = (plate, site, channel) in blank
                line[f"URL_{name}"] = "" if is_blank else f"{base}/{folder}/{file}"
                line[f"PathName_{name}"] = f"{base}/{folder}/"
                line[f"FileName_{name}"] = "" if is_blank else file
            lines.append(line)
    table = tmp_path / "load_data.csv"
    with table.open("w", newline="", encoding="utf-8") as text:
        writer = csv.DictWriter(text, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    column = {"pair": "PathName_{0}/FileName_{0}"}.get(form, "URL_{0}")
    options = ["--metadata", table, "--experiment", "pilot", "--allow-missing"]
    for name in ("RNA", "DNA"):
        options += ["--path-column", f"{name}={column.format(name)}"]
    inputs = [] if form == "absolute" else [source]
    done = run("convert", *inputs, output, *options)
    assert done.returncode == 3, done.stderr
    assert names(output, "channel") == ["RNA", "DNA"]
    present = zarr.open_group(output / "images.zarr", mode="r")["present"][:]
    assert present.tolist() == [[True, True]] * 3 + [[False, True]]
    assert np.array_equal(images(output)[2, 0], draw(1, 1, 1, 1, 5, 1))
    expected = [("pilot", "BR00116991", 1), ("pilot", "BR00116991", 2)]
    assert rows(output, "experiment", "plate", "site_number")[:2] == expected
    columns = pq.read_schema(output / "metadata.parquet").names
    assert ("URL_RNA" in columns, "FileName_RNA" in columns) == (form == "pair", form != "pair")
    verified = run("verify", output, "--source", source, "--metadata", table)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_path_that_fits_two_files_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "in"
    harmony(source, [(1, 1)])
    table = tmp_path / "t.csv"
    table.write_text("plate,well,file\n1,A01,r01c01f01p01-ch1sk1fk1fl1.png\n")
    refused = run("plan", source, "--metadata", table, "--path-column", "DNA=file")
    assert refused.returncode == 1
    assert "fits BR00116991__" in refused.stderr and "CHANNEL=FOLDER/FILE" in refused.stderr
    absent = run("plan", "--metadata", table, "--path-column", "DNA=file")
    assert absent.returncode == 1 and "is not absolute; give INPUT" in absent.stderr
    unknown = run("plan", source, "--metadata", table, "--path-column", "DNA=x")
    assert unknown.returncode == 1 and "names no column of the table" in unknown.stderr
