"""Slurm with two virtual nodes on this machine, without systemd; as root."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from servers.process import LOOPBACK, free_ports

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")

CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}({loopback})
SlurmctldPort={controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
ReturnToService=2
SlurmdTimeout=10
SchedulerParameters=batch_sched_delay=0,sched_interval=2
SelectType=select/cons_tres
NodeName=n1 NodeHostname={host} NodeAddr={loopback} Port={first} CPUs=2 RealMemory=1000
NodeName=n2 NodeHostname={host} NodeAddr={loopback} Port={second} CPUs=2 RealMemory=1000
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""


def is_installed() -> bool:
    return os.geteuid() == 0 and all(map(shutil.which, PROGRAMS))


@dataclass
class Slurm:
    """A running cluster."""

    folder: Path
    nodes: dict[str, subprocess.Popen]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def ask(self, *command: str) -> str:
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        return done.stdout

    def queued(self) -> list[str]:
        """The jobs that are not over: number, state and reason."""
        lines = self.ask("squeue", "--noheader", "--format=%i %T %r").splitlines()
        return [line for line in lines if line.strip()]

    def kill_node(self, name: str) -> None:
        """Kills a node with everything that runs there, as a loss of power does."""
        node = self.nodes[name]
        processes = [node.pid, *processes_of(name)]
        # All at once, so that none tells the controller of the death of another.
        for action in (signal.SIGSTOP, signal.SIGKILL):
            for process in processes:
                with suppress(ProcessLookupError):
                    os.kill(process, action)
        node.wait()


def processes_of(node: str) -> list[int]:
    """The daemons and the programs of the steps that run on a node."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                environment = (folder / "environ").read_bytes()
                command = (folder / "cmdline").read_bytes()
                is_step = command.startswith(b"slurmstepd") and f"spool-{node}" in open_files(
                    folder
                )
                if is_step or f"SLURMD_NODENAME={node}\0".encode() in environment:
                    found.append(int(folder.name))
    return found


def open_files(process: Path) -> str:
    """The files that a process has open, and its folder."""
    names = [process / "cwd", *(process / "fd").iterdir()]
    return " ".join(str(name.readlink()) for name in names)


def start(stack: ExitStack, folder: Path, *command: str) -> subprocess.Popen:
    log = stack.enter_context(
        (folder / f"{command[-1].strip('/').replace('/', '-')}.out").open("w")
    )
    process = subprocess.Popen(
        command,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env={**os.environ, "SLURM_CONF": str(folder / "slurm.conf")},
    )
    stack.callback(stop, process)
    return process


def stop(process: subprocess.Popen) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def slurm(folder: Path) -> Iterator[Slurm]:
    controller, first, second = free_ports(3)
    names = {"host": socket.gethostname(), "loopback": LOOPBACK, "folder": folder}
    ports = {"controller": controller, "first": first, "second": second}
    (folder / "slurm.conf").write_text(CONFIGURATION.format(**names, **ports))
    (folder / "state").mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    folder.chmod(0o711)
    with ExitStack() as stack:
        munge = [f"--socket={folder}/munge.socket", f"--key-file={key}"]
        munge += [f"--{name}-file={folder}/munge.{name}" for name in ("log", "pid", "seed")]
        start(stack, folder, "munged", "--foreground", "--force", *munge)
        wait_until((folder / "munge.socket").exists)
        start(stack, folder, "slurmctld", "-D", "-f", str(folder / "slurm.conf"))
        nodes = {name: start(stack, folder, "slurmd", "-D", "-N", name) for name in ("n1", "n2")}
        cluster = Slurm(folder, nodes)
        try:
            wait_until(lambda: cluster.ask("sinfo", "-h", "-o", "%t %D").strip() == "idle 2")
            yield cluster
        finally:
            cluster.ask("scancel", "--signal=KILL", "--full", "--user=root")


def wait_until(condition: object, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.2)
