"""A real Slurm of two nodes on this machine: its daemons run in namespaces of their own and talk over loopback only.

Debian's packages munge, slurmctld, slurmd and slurm-client are needed, and root.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "unshare")
NODES = ("node1", "node2")
GRACE = 20
"""Seconds that a job which is preempted has to end."""

CONFIG = """
ClusterName=loop
SlurmctldHost=control(127.0.0.1)
SlurmctldPort={port}
SrunPortRange={first}-{last}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
SlurmdUser=root
# A job that is queued again waits until its old credentials have expired.
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=bf_interval=2,sched_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
FirstJobId={job}
KillWait=10
ReturnToService=2
SlurmdTimeout=10
SlurmdParameters=config_overrides
{nodes}
PartitionName=urgent Nodes=ALL Default=YES PriorityTier=10 PreemptMode=OFF MaxTime=INFINITE State=UP
PartitionName=spare Nodes=ALL PriorityTier=1 GraceTime={grace} MaxTime=INFINITE State=UP
"""

NODE = """
hostname "$1"
mount --bind "$2/hosts" /etc/hosts
shift 2
"$@" & daemon=$!
trap 'kill -TERM $daemon 2>/dev/null' TERM
while kill -0 $daemon 2>/dev/null; do wait $daemon; done
"""
"""What a namespace runs: its daemon, under the name of its machine."""


def why_not() -> str | None:
    """Why no cluster can be started here; None if it can."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]
    if missing:
        return f"Slurm is not installed: {', '.join(missing)} are missing"
    if os.geteuid() != 0:
        return "only root can start the daemons of Slurm"
    apart = ["unshare", "--mount", "--uts", "--pid", "--fork", "--mount-proc", "hostname", "x"]
    if subprocess.run(apart, capture_output=True, check=False).returncode != 0:
        return "this machine does not allow namespaces"
    return None


class Cluster:
    """Two nodes with 4 CPUs each; jobs of the partition `urgent` preempt those of `spare`.

    Args:
        folder: for everything; its path is short, since sockets lie in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start the daemons and wait for the nodes."""
        (self.folder / "state").mkdir()
        (self.folder / "hosts").write_text("127.0.0.1 localhost control " + " ".join(NODES) + "\n")
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        port = _free_ports()
        nodes = "\n".join(
            f"NodeName={name} NodeHostname={name} NodeAddr=127.0.0.1 Port={port + 1 + number} CPUs=4 RealMemory=16000 "
            "State=UNKNOWN"
            for number, name in enumerate(NODES)
        )
        config = CONFIG.format(
            folder=self.folder,
            port=port,
            first=port + 50,
            last=port + 149,
            nodes=nodes,
            grace=GRACE,
            # Tasks meet at a port that follows from the job's number: jobs of a cluster beside this one need others.
            job=1 + (port - 20000) // 3,
        )
        (self.folder / "slurm.conf").write_text(config.lstrip())
        munge = ["munged", "--force", f"--key-file={key}", f"--socket={self.folder}/munge.socket",
            f"--pid-file={self.folder}/munged.pid", f"--log-file={self.folder}/munged.log",
            f"--seed-file={self.folder}/munged.seed", "--num-threads=2"]  # fmt: skip
        subprocess.run(munge, check=True, env=self.env, capture_output=True)
        self._daemon("slurmctld", "control", ["slurmctld", "-D", "-c"])
        for name in NODES:
            self.start_node(name)
        self.until(lambda: self._said("sinfo", "-h", "-N", "-p", "urgent", "-o", "%t").split() == ["idle"] * 2, 60)

    def start_node(self, name: str) -> None:
        """Start the daemon of a node."""
        (self.folder / f"spool.{name}").mkdir(exist_ok=True)
        self._daemon(name, name, ["slurmd", "-D", "-N", name])

    def kill_node(self, name: str) -> None:
        """What a power cut does to a node: its daemon and all that ran there is gone."""
        daemon = self._daemons.pop(name)
        os.killpg(daemon.pid, signal.SIGKILL)
        daemon.wait()

    def stop(self) -> None:
        """End all jobs and daemons."""
        subprocess.run(["scancel", "--user=root"], env=self.env, capture_output=True, check=False)
        for daemon in self._daemons.values():
            os.killpg(daemon.pid, signal.SIGKILL)
            daemon.wait()
        munged = self.folder / "munged.pid"
        if munged.is_file():
            os.kill(int(munged.read_text()), signal.SIGTERM)

    @property
    def env(self) -> dict[str, str]:
        """Variables with which Slurm's own programs find the cluster."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_")}
        return clean | {"SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": _path()}

    def submit(self, script: Path, words: Sequence[str | Path], *options: str, folder: Path, **env: str) -> str:
        """Submit a batch script with arguments from a folder; the number of the job."""
        command = ["sbatch", "--parsable", *options, str(script), *map(str, words)]
        ran = subprocess.run(command, cwd=folder, env=self.env | env, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()

    def job(self, number: str) -> dict[str, str]:
        """What Slurm knows of a job: JobState, Restarts, ExitCode, ..."""
        said = self._said("scontrol", "show", "job", "-o", number)
        return dict(word.split("=", 1) for word in said.split() if "=" in word)

    def ended(self, number: str, *, seconds: float = 900) -> dict[str, str]:
        """Wait for the end of a job; what Slurm knows of it then."""
        ends = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "PREEMPTED")
        self.until(lambda: self.job(number).get("JobState") in ends, seconds)
        return self.job(number)

    def signal_task(self, job: str, rank: int, number: int) -> None:
        """Send a signal to a task of a job, from outside of its node."""
        for environ in Path("/proc").glob("[0-9]*/environ"):
            try:
                env = environ.read_bytes().split(b"\0")
                command = (environ.parent / "cmdline").read_bytes()
            except OSError:  # it has just ended
                continue
            wanted = {f"SLURM_JOB_ID={job}".encode(), f"SLURM_PROCID={rank}".encode()}
            if wanted <= set(env) and b"sam-seismic" in command and b"srun" not in command:
                os.kill(int(environ.parent.name), number)
                return
        raise AssertionError(f"job {job} has no task {rank}")

    def cancel(self, job: str) -> None:
        """What its owner does who does not want it any more."""
        subprocess.run(["scancel", job], env=self.env, check=True)

    def set_time_limit(self, job: str, *, minutes: int) -> None:
        """What an administrator may do to a job that waits or runs."""
        subprocess.run(["scontrol", "update", f"JobId={job}", f"TimeLimit={minutes}"], env=self.env, check=True)

    def busy(self) -> bool:
        """Whether a job waits, runs, or is just ending."""
        return bool(self._said("squeue", "-h").strip())

    def until(self, true: Callable[[], bool], seconds: float) -> None:
        """Wait until something holds."""
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, f"not within {seconds} s: {self._said('squeue')}"
            time.sleep(0.2)

    def _daemon(self, name: str, machine: str, command: Sequence[str]) -> None:
        config = str(self.folder / "slurm.conf")
        apart = ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
        words = [*apart, "bash", "-c", NODE, "bash", machine, str(self.folder), *command, "-f", config]
        with (self.folder / f"{name}.out").open("ab") as log:
            self._daemons[name] = subprocess.Popen(
                words, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _said(self, *command: str) -> str:
        return subprocess.run(command, env=self.env, capture_output=True, text=True, check=False).stdout


def _path() -> str:
    """Debian keeps daemons where only root looks."""
    return f"{os.environ['PATH']}:/usr/sbin:/sbin"


def _free_ports() -> int:
    """The first of 150 ports below those that the system gives out; tests beside these begin to look elsewhere."""
    ranges = range(20000, 32000, 200)
    start = os.getpid() % len(ranges)
    for first in (*ranges[start:], *ranges[:start]):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", first)) != 0:
                return first
    raise AssertionError("all ports are taken")
