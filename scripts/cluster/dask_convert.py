"""Runs the parts of a job on a Dask cluster, and seals the dataset.

    rxrx2zarr job init INPUT OUTPUT --parts 200 [options of convert]
    python scripts/cluster/dask_convert.py OUTPUT [SCHEDULER] [--threads N]

INPUT and OUTPUT lie on a file system that all workers share, and that has locks (flock), or in a
bucket that all workers can reach.
SCHEDULER is an address such as tcp://host:8786; without it, a cluster is started on this machine,
with one worker for each core. Dask runs the part of a lost worker again, also if it was done: it
then finds nothing to do. Run the script again if it fails: it runs the parts that are missing.

Needs distributed (pip install distributed). $RXRX2ZARR names the program if it is not on the PATH.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from distributed import Client, LocalCluster, as_completed

SEALED = (0, 3)
"""3 says that images are missing or could not be used: the dataset is complete all the same."""


def program(*words: str) -> subprocess.CompletedProcess[str]:
    command = [os.environ.get("RXRX2ZARR", "rxrx2zarr"), "job", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def run_part(output: str, part: int, threads: int) -> int:
    """Runs a part on a worker."""
    done = program("run", output, str(part), "--jobs", str(threads), "--quiet")
    if done.returncode != 0:
        raise RuntimeError(f"part {part}: {done.stderr.strip()}")
    return part


def missing_parts(output: str) -> list[int]:
    done = program("status", output, "--json")
    if done.returncode != 0:
        sys.exit(done.stderr.strip())
    parts = json.loads(done.stdout)["parts"]
    return [part["part"] for part in parts if part["units_done"] < part["units"]]


def convert(client: Client, output: str, threads: int = 1) -> int:
    """Runs the parts that are missing, then seals. Returns the exit code of the seal."""
    parts = missing_parts(output)
    futures = client.map(lambda part: run_part(output, part, threads), parts, pure=False, retries=5)
    for number, future in enumerate(as_completed(futures), start=1):
        print(f"part {future.result()} is done: {number} of {len(parts)}", flush=True)
    sealed = program("seal", output)
    print(sealed.stdout or sealed.stderr, end="")
    return sealed.returncode


def absolute(output: str) -> str:
    """OUTPUT for workers that run in another folder."""
    return output if "://" in output else str(Path(output).resolve())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output")
    parser.add_argument("scheduler", nargs="?")
    parser.add_argument("--threads", type=int, default=1, help="of each part; default: 1")
    chosen = parser.parse_args()
    output = absolute(chosen.output)
    if chosen.scheduler:
        with Client(chosen.scheduler) as client:
            code = convert(client, output, chosen.threads)
    else:
        # One part a process: a thread of it waits for the program.
        local = LocalCluster(threads_per_worker=1, dashboard_address=None)
        with local as cluster, Client(cluster) as client:
            code = convert(client, output, chosen.threads)
    return 0 if code in SEALED else code


if __name__ == "__main__":
    sys.exit(main())
