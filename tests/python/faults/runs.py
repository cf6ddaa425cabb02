"""Starts, measures and kills runs of the converter that use a bucket."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from faults.proxy import FaultProxy
from servers.object_stores import ACCESS_KEY, REGION, SECRET_KEY

MEBIBYTE = 1 << 20


def s3_environment(endpoint: str) -> dict[str, str]:
    """Returns the variables that a user sets for an S3 server other than Amazon's."""
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_ALLOW_HTTP": "true",
    }


@dataclass
class Finished:
    """The result of a run."""

    code: int
    out: str
    err: str
    memory: int
    """The largest resident set, in bytes."""
    disk: int
    """Bytes written to files on any disk, also to files that were deleted later."""


class Run:
    """A run of the program in its own empty folder, which is also the folder of temporary files."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        *arguments: str | Path,
        under: Sequence[str] = (),
    ) -> None:
        """Starts the program; `under` is a command that runs it, such as `unshare`."""
        self.folder = folder
        folder.mkdir(parents=True)
        self.process = subprocess.Popen(
            [*under, os.environ["RXRX2ZARR"], *map(str, arguments)],
            cwd=folder,
            env=os.environ | environment | {"TMPDIR": str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.peak = 0
        self.watch = threading.Thread(target=self.watch_memory, daemon=True)
        self.watch.start()

    def watch_memory(self) -> None:
        """Reads the largest resident set until the process ends.

        `wait4` is no substitute: it reports at least the memory of the parent process.
        """
        status = Path("/proc", str(self.process.pid), "status")
        while True:
            try:
                fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
            except OSError:
                return
            if "VmHWM" not in fields:
                return
            # Before `exec` the process is a copy of this one.
            if fields["Name"].strip() in Path(os.environ["RXRX2ZARR"]).name:
                self.peak = int(fields["VmHWM"].split()[0]) * 1024
            time.sleep(0.005)

    @property
    def pid(self) -> int:
        return self.process.pid

    def ended(self) -> bool:
        """Whether the process has ended; its status stays for `finish`."""
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        is_known = self.process.returncode is not None
        return is_known or os.waitid(os.P_PID, self.process.pid, options) is not None

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def finish(self) -> Finished:
        """Waits for the end of the run and returns its result."""
        # Both outputs are short, so no pipe fills up while the other one is read.
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        with self.process.stdout as out, self.process.stderr as err:
            texts = out.read(), err.read()
        _, status, used = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.watch.join()
        return Finished(self.process.returncode, *texts, self.peak, used.ru_oublock * 512)


def killed_and_resumed(
    folder: Path,
    proxy: FaultProxy,
    environment: Mapping[str, str],
    command: Sequence[str | Path],
    moments: Sequence[int],
) -> Finished:
    """Kills a run after each of `moments` (numbers of requests), then lets a last run finish."""
    for attempt, moment in enumerate(moments):
        goal = len(proxy.exchanges) + moment
        run = Run(folder / str(attempt), environment, *command)
        proxy.wait_until(lambda seen, goal=goal: len(seen) >= goal, run.ended)
        run.kill()
    return Run(folder / "last", environment, *command).finish()


def pack(folder: Path, archive: Path, inside: str, compression: int = zipfile.ZIP_STORED) -> Path:
    """Writes a zip archive of a folder or a file, with the path `inside` in front; "." is none."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file()) or [folder]
    root = folder if folder.is_dir() else folder.parent
    with zipfile.ZipFile(archive, "w", compression) as written:
        for path in paths:
            written.write(path, str(PurePosixPath(inside, path.relative_to(root))))
    return archive


def local_objects(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def damaged_copy(root: Path, copy: Path, victim: str) -> Path:
    """Copies a dataset and flips one bit of an object."""
    shutil.copytree(root, copy)
    content = bytearray((copy / victim).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / victim).write_bytes(content)
    return copy
