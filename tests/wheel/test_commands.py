"""The commands as functions: results, errors, progress and Ctrl-C."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import logging
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import typing
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rxrx2zarr
from rxrx2zarr import job

from conftest import Made
from images import Input, make_input

JSON_PAGE = Path(__file__).parents[2] / "docs" / "json.md"
PROGRAM = Path(sys.executable).with_name("rxrx2zarr")


def test_the_program_is_installed() -> None:
    version = f"rxrx2zarr {rxrx2zarr.__version__}\n"
    module = [sys.executable, "-m", "rxrx2zarr"]
    for command in ([str(PROGRAM)], module):
        assert subprocess.check_output([*command, "-V"], text=True) == version
        failed = subprocess.run([*command, "info", "/nowhere"], capture_output=True, check=False)
        assert failed.returncode == 1
        assert failed.stderr.startswith(b"error: there is nothing at /nowhere")
        assert subprocess.run([*command, "info"], capture_output=True, check=False).returncode == 2


def test_a_conversion_gives_its_numbers(input8: Input, tmp_path: Path) -> None:
    result = rxrx2zarr.convert(input8.root, tmp_path / "out", include="HUVEC-01", jobs=1)
    assert (result.exit_code, result.sites, result.planes.ok) == (0, 6, 18)
    assert pickle.loads(pickle.dumps(result)) == result
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.sites = 7  # type: ignore[misc]
    again = rxrx2zarr.convert(input8.root, tmp_path / "out", include=["HUVEC-01"])
    assert again.sites_before == 6


def test_a_plan_tells_what_would_be_done(input8: Input, tmp_path: Path) -> None:
    plan = rxrx2zarr.plan(input8.root, output=tmp_path / "out", shard_sites=4, codec="zstd")
    assert (plan.exit_code, plan.shape, plan.units, plan.codec) == (0, (12, 3, 24, 40), 3, "zstd")
    assert plan.planes == rxrx2zarr.PlanPlanes(present=36, missing=0)
    assert plan.description.channels[1].name == "w2"
    assert plan.space is not None
    assert plan.space.fits
    assert not (tmp_path / "out").exists()


def test_a_dataset_is_verified(made8: Made, tmp_path: Path) -> None:
    source = made8.input.root
    report = rxrx2zarr.verify(made8.root, source=source, metadata=source / "metadata.csv")
    assert (report.clean, report.exit_code, report.compared) == (True, 0, 36)
    info = rxrx2zarr.info(made8.root)
    assert isinstance(info, rxrx2zarr.Info)
    assert info.settings.shard_sites == 4
    assert info.missing_objects.count == 0
    (copy := tmp_path / "copy").mkdir()
    subprocess.check_call(["cp", "-r", f"{made8.root}/.", copy])
    (copy / "images.zarr/images/c/2/0/0/0").unlink()
    report = rxrx2zarr.verify(copy)
    assert (report.clean, report.exit_code) == (False, 1)
    finding = report.by_object["images.zarr/images/c/2/0/0/0"].examples[0]
    assert finding.kind == "missing"
    assert rxrx2zarr.info(copy).exit_code == 1


def test_errors_have_the_texts_of_the_command_line(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    printed = subprocess.run(
        [PROGRAM, "convert", nowhere, tmp_path / "out"], capture_output=True, text=True, check=False
    )
    with pytest.raises(rxrx2zarr.InputError) as raised:
        rxrx2zarr.convert(nowhere, tmp_path / "out")
    assert printed.stderr == f"error: {raised.value}\n"
    assert raised.value.exit_code == printed.returncode
    copied = pickle.loads(pickle.dumps(raised.value))
    assert (str(copied), copied.causes) == (str(raised.value), raised.value.causes)
    with pytest.raises(rxrx2zarr.UsageError, match="invalid value 'jpeg' for '--codec") as usage:
        rxrx2zarr.plan(nowhere, codec="jpeg")
    assert usage.value.exit_code == 2
    assert isinstance(usage.value, ValueError)
    with pytest.raises(rxrx2zarr.UsageError):
        rxrx2zarr.publish(nowhere, tmp_path / "out")


def test_missing_images_are_notes(tmp_path: Path) -> None:
    source = make_input(tmp_path / "input", 3, np.uint8)
    (source.root / "images/HUVEC-01/Plate1/B02_s1_w2.png").unlink()
    with pytest.raises(rxrx2zarr.InputError, match="allow-missing") as raised:
        rxrx2zarr.convert(source.root, tmp_path / "out")
    assert "HUVEC-01" in "".join(raised.value.__notes__)
    result = rxrx2zarr.convert(source.root, tmp_path / "out", allow_missing=True)
    assert (result.exit_code, result.planes.missing) == (3, 1)


def test_what_a_run_left_is_removed(input8: Input, tmp_path: Path) -> None:
    output = tmp_path / "out"
    job.init(input8.root, output, parts=2, shard_sites=4)
    job.run(output, 0)
    would = rxrx2zarr.clean(output, dry_run=True, abandon=True)
    kept = rxrx2zarr.clean(output)
    assert (kept.unfinished, kept.abandoned) == (True, 0)
    assert job.status(output).units_done == 2
    done = rxrx2zarr.clean(output, abandon=True)
    assert (done.exit_code, done.bytes) == (0, would.bytes)
    assert done.bytes > 0
    with pytest.raises(rxrx2zarr.OutputError, match="there is no job"):
        job.status(output)


def test_names_are_no_options(input8: Input, tmp_path: Path) -> None:
    (folder := tmp_path / "--help").symlink_to(input8.root)
    cwd = Path.cwd()
    os.chdir(tmp_path)
    try:
        assert rxrx2zarr.plan(folder.name).shape[0] == 12
    finally:
        os.chdir(cwd)


def test_warnings_go_to_the_log(
    input8: Input, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "rxrx2zarr"):
        rxrx2zarr.convert(input8.root, tmp_path / "out")
        rxrx2zarr.convert(input8.root, tmp_path / "out")
    texts = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert any(kind == "WARNING" and "--license" in text for kind, text in texts), texts
    assert ("INFO", "the dataset is complete already: nothing is to be done") in texts


def test_progress_reaches_the_end(input8: Input, tmp_path: Path) -> None:
    seen: list[rxrx2zarr.Progress] = []
    threads = set()

    def watch(progress: rxrx2zarr.Progress) -> None:
        seen.append(progress)
        threads.add(threading.get_ident())

    rxrx2zarr.convert(input8.root, tmp_path / "out", shard_sites=4, progress=watch)
    assert seen[0] == rxrx2zarr.Progress("started", 0, 12, "sites", 0)
    done = [progress.done for progress in seen if progress.kind == "advanced"]
    assert done == sorted(done)
    assert done[-1] == 12
    assert sum(progress.kind == "stored" for progress in seen) == 3
    assert seen[-1].kind == "sealing"
    assert threads == {threading.get_ident()}
    seen.clear()
    rxrx2zarr.verify(tmp_path / "out", progress=watch)
    assert (seen[-1].done, seen[-1].total) == (12, 12)
    with pytest.raises(ImportError, match="ProgressBar needs tqdm"):
        rxrx2zarr.ProgressBar()


def test_an_error_of_progress_stops_a_conversion(input8: Input, tmp_path: Path) -> None:
    def fail(progress: rxrx2zarr.Progress) -> None:
        if progress.kind == "advanced":
            raise LookupError("enough")

    out = tmp_path / "out"
    with pytest.raises(LookupError, match="enough"):
        rxrx2zarr.convert(input8.root, out, shard_sites=1, jobs=1, progress=fail)
    assert rxrx2zarr.convert(input8.root, out, shard_sites=1, jobs=1).exit_code == 0


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Input:
    return make_input(tmp_path_factory.mktemp("many"), 200, np.uint8)


def test_ctrl_c_stops_a_conversion(many: Input, tmp_path: Path) -> None:
    def press(progress: rxrx2zarr.Progress) -> None:
        if progress.done == 20:
            signal.raise_signal(signal.SIGINT)

    before, out = signal.getsignal(signal.SIGINT), tmp_path / "out"
    with pytest.raises(KeyboardInterrupt, match="nothing is lost") as raised:
        rxrx2zarr.convert(many.root, out, shard_sites=1, jobs=1, progress=press)
    assert isinstance(raised.value, rxrx2zarr.Interrupted)
    assert not isinstance(raised.value, Exception)
    assert raised.value.exit_code == 130
    assert signal.getsignal(signal.SIGINT) is before
    info = rxrx2zarr.info(out)
    assert isinstance(info, rxrx2zarr.Unfinished)
    assert 0 < info.units_done < 200
    result = rxrx2zarr.convert(many.root, out, shard_sites=1)
    assert result.sites_before == info.units_done
    assert np.array_equal(rxrx2zarr.open(out).read(range(200)), many.pixels)


def test_ctrl_c_stops_the_program(many: Input, tmp_path: Path) -> None:
    command = [PROGRAM, "convert", many.root, tmp_path / "out", "--shard-sites", "1", "-j1", "-v"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        next(line for line in running.stderr if line.startswith("stored"))
        running.send_signal(signal.SIGINT)
        assert "nothing is lost" in running.stderr.read()
    assert running.returncode == 130


@pytest.fixture
def silent_address() -> Iterator[str]:
    """Returns an address whose server takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/images.zip"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ([str(PROGRAM), "plan"], ""),
        (
            [sys.executable, "-c", "import rxrx2zarr, sys; rxrx2zarr.plan(sys.argv[1])"],
            "KeyboardInterrupt",
        ),
        (
            [sys.executable, "-c", "import rxrx2zarr, sys; rxrx2zarr.convert(sys.argv[1], 'out')"],
            "KeyboardInterrupt",
        ),
    ],
)
def test_ctrl_c_ends_at_once_what_writes_nothing(
    command: list[str], said: str, silent_address: str
) -> None:
    with subprocess.Popen([*command, silent_address], stderr=subprocess.PIPE, text=True) as running:
        time.sleep(1)
        assert running.poll() is None
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == -signal.SIGINT
        assert running.stderr is not None
        assert said in running.stderr.read()


def test_other_threads_run_meanwhile(many: Input, tmp_path: Path) -> None:
    results: list[rxrx2zarr.Converted] = []
    outs = [tmp_path / "one", tmp_path / "two"]
    threads = [
        threading.Thread(target=lambda out=out: results.append(rxrx2zarr.convert(many.root, out)))
        for out in outs
    ]
    for thread in threads:
        thread.start()
    ticks = 0
    while any(thread.is_alive() for thread in threads):
        ticks += 1
        time.sleep(0.001)
    assert ticks > 3
    assert [result.sites for result in results] == [200, 200]


def fields_of_page() -> dict[str, set[str]]:
    """Returns the fields of each table of docs/json.md by its heading."""
    tables: dict[str, set[str]] = {}
    fields: set[str] = set()
    for line in JSON_PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("### "):
            fields = tables.setdefault(line[4:], set())
        elif found := re.match(r"\| `([^`]+)` \|.*\|.*\|", line):
            fields.add(found[1])
    return tables


def fields_of_class(kind: type[object], prefix: str = "") -> Iterator[str]:
    """Yields the fields of a dataclass as docs/json.md names them."""
    for name, hint in typing.get_type_hints(kind).items():
        yield from fields_of_value(hint, prefix + name)


def fields_of_value(hint: object, path: str) -> Iterator[str]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    yield path
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        yield from fields_of_class(hint, path + ".")
    elif origin is tuple:
        yield from fields_of_value(arguments[0], path + "[]")
    elif origin is Mapping:
        yield from fields_of_value(arguments[1], path + ".*")
    elif arguments:
        yield from fields_of_value(arguments[0], path)


@pytest.mark.parametrize(
    ("kind", "heading"),
    [
        (rxrx2zarr.Plan, "plan"),
        (rxrx2zarr.Converted, "convert"),
        (rxrx2zarr.Verified, "verify"),
        (rxrx2zarr.VerifiedByStore, "verify --no-download"),
        (rxrx2zarr.Info, "info"),
        (rxrx2zarr.Unfinished, "info of an unfinished dataset"),
        (rxrx2zarr.Published, "publish"),
        (rxrx2zarr.Cleaned, "clean"),
    ],
)
def test_results_have_the_fields_of_the_page(kind: type[Any], heading: str) -> None:
    fields = set(fields_of_class(kind)) - {"exit_code"}
    if kind is rxrx2zarr.Unfinished:
        fields = {field for field in fields if not field.startswith("settings.")}
    assert fields == fields_of_page()[heading]


@pytest.mark.parametrize("command", ["plan", "convert", "verify", "info", "publish", "clean"])
def test_arguments_are_the_options_of_the_command_line(command: str) -> None:
    text = subprocess.check_output([PROGRAM, command, "--help"], text=True)
    options = set(re.findall(r"^ +(?:-\w, )?--([a-z-]+)", text, re.MULTILINE))
    options -= {"help", "version", "json", "quiet", "verbose", "progress", "log-file"}
    if command == "convert":
        options.remove("dry-run")  # this is `plan`
    parameters = inspect.signature(getattr(rxrx2zarr, command)).parameters.values()
    keywords = {
        parameter.name for parameter in parameters if parameter.kind == parameter.KEYWORD_ONLY
    }
    assert {name.replace("_", "-") for name in keywords - {"progress"}} == options


def documented(module: Path) -> Iterator[tuple[str, bool]]:
    """Yields each public name of a module and of its classes, and whether it has a docstring."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    yield module.stem, ast.get_docstring(tree) is not None
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        yield node.name, ast.get_docstring(node) is not None or is_overload(node)
        for part in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(part, ast.FunctionDef) and not part.name.startswith("_"):
                yield f"{node.name}.{part.name}", ast.get_docstring(part) is not None
        if isinstance(node, ast.ClassDef):
            yield from documented_fields(node)


def is_overload(node: ast.FunctionDef | ast.ClassDef) -> bool:
    return any(isinstance(name, ast.Name) and name.id == "overload" for name in node.decorator_list)


def documented_fields(node: ast.ClassDef) -> Iterator[tuple[str, bool]]:
    """Yields the fields of a class, each of which a text follows."""
    for part, following in pairwise([*node.body, ast.Pass()]):
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            name = part.target.id
            is_text = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
            if not name.startswith("_"):
                yield f"{node.name}.{name}", is_text


def test_public_names_are_documented() -> None:
    """Of all modules, also of those that need packages which are not installed."""
    modules = sorted(Path(str(rxrx2zarr.__file__)).parent.glob("*.py"))
    assert {"torch", "dask", "job", "order"} <= {module.stem for module in modules}
    for module in modules:
        lacking = [name for name, has_text in documented(module) if not has_text]
        assert not lacking, module
    for name in rxrx2zarr.__all__:
        value = getattr(rxrx2zarr, name)
        assert name == "__version__" or inspect.getdoc(value), name
    with pytest.raises(AttributeError, match="no attribute 'colour'"):
        _ = rxrx2zarr.colour


def test_packages_that_are_missing_are_named() -> None:
    for module in ("torch",):
        with pytest.raises(ImportError, match=f"rxrx2zarr.{module} needs {module}: pip install"):
            importlib.import_module(f"rxrx2zarr.{module}")
    with pytest.raises(ImportError, match=r"rxrx2zarr.dask needs distributed: pip install"):
        importlib.import_module("rxrx2zarr.dask").convert(None, "in", "out", parts=1)
