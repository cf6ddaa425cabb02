"""Runs the parts of a job on a Ray cluster, and seals the dataset.

    rxrx2zarr job init INPUT OUTPUT --parts 200 [options of convert]
    python scripts/cluster/ray_convert.py OUTPUT [ADDRESS] [--threads N]

INPUT and OUTPUT lie on a file system that all nodes share, and that has locks (flock), or in a
bucket that all nodes can reach.
ADDRESS is that of a cluster that runs, such as auto or ray://host:10001; without it, Ray is
started on this machine. Ray runs the part of a lost worker again, also if it was done: it then
finds nothing to do. Run the script again if it fails: it runs the parts that are missing.

Needs ray (pip install ray). $RXRX2ZARR names the program if it is not on the PATH; every node has
it at the same path.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import ray

SEALED = (0, 3)
"""3 says that images are missing or could not be used: the dataset is complete all the same."""
PROGRAM = os.environ.get("RXRX2ZARR", "rxrx2zarr")


def job(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, "job", *words], capture_output=True, text=True, check=False)


@ray.remote(max_retries=5, retry_exceptions=True)
def run_part(program: str, output: str, part: int, threads: int) -> int:
    """Runs a part on a worker."""
    command = [program, "--quiet", "job", "run", output, str(part), "--jobs", str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"part {part}: {done.stderr.strip()}")
    return part


def missing_parts(output: str) -> list[int]:
    done = job(PROGRAM, "status", output, "--json")
    if done.returncode != 0:
        sys.exit(done.stderr.strip())
    parts = json.loads(done.stdout)["parts"]
    return [part["part"] for part in parts if part["units_done"] < part["units"]]


def convert(output: str, threads: int = 1) -> int:
    """Runs the parts that are missing, then seals. Returns the exit code of the seal."""
    parts = missing_parts(output)
    run = run_part.options(num_cpus=threads)
    waiting = [run.remote(PROGRAM, output, part, threads) for part in parts]
    while waiting:
        done, waiting = ray.wait(waiting)
        for part in ray.get(done):
            count = len(parts) - len(waiting)
            print(f"part {part} is done: {count} of {len(parts)}", flush=True)
    sealed = job(PROGRAM, "seal", output)
    print(sealed.stdout or sealed.stderr, end="")
    return sealed.returncode


def absolute(output: str) -> str:
    """OUTPUT for workers that run in another folder."""
    return output if "://" in output else str(Path(output).resolve())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output")
    parser.add_argument("address", nargs="?")
    parser.add_argument("--threads", type=int, default=1, help="of each part; default: 1")
    chosen = parser.parse_args()
    # Without an address Ray must not find another cluster that runs on this machine.
    ray.init(address=chosen.address or "local", include_dashboard=False)
    try:
        code = convert(absolute(chosen.output), chosen.threads)
    finally:
        ray.shutdown()
    return 0 if code in SEALED else code


if __name__ == "__main__":
    sys.exit(main())
