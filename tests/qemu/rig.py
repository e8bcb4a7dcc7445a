# SPDX-License-Identifier: Apache-2.0
"""Boots Linux on an emulated machine, runs checks in it, and brings home what they observed."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.qemu.debian import System
    from tests.qemu.machines import Machine

TOOLS = ("qemu-system-x86_64", "iasl", "cpio")
HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "profiler" / "serialprof"
#: Where the guest's Python finds serialprof and the checks.
IMPORTED = "opt"
LAST = "end"
TAIL = 4000


class BootError(Exception):
    """The machine did not come up, or a check in it failed; the message holds what it said last."""


@dataclass(frozen=True)
class Observations:
    """What the checks in one boot returned, or raised."""

    machine: str
    results: dict[str, dict[str, Any]]

    def __getitem__(self, check: str) -> Any:
        if check not in self.results:
            raise BootError(f"{self.machine}: the check {check} did not run")
        observed = self.results[check]
        if "error" in observed:
            raise BootError(f"{self.machine}: {check} in the guest:\n{observed['error']}")
        return observed["result"]


def missing_tools() -> list[str]:
    """The programs that are not on PATH."""
    return [tool for tool in TOOLS if shutil.which(tool) is None]


def observe(system: System, machine: Machine, folder: Path) -> Observations:
    """Boot the machine and let its checks run, with console, report and images in `folder`.

    Raises:
        BootError: where the machine is not down again in its time, or a check ended it.
    """
    _initramfs(system, folder)
    _firmware(machine, folder)
    console, report = folder / "console.txt", folder / "report.jsonl"
    try:
        with (folder / "emulator.txt").open("wb") as said:
            subprocess.run(
                _command(system, machine, folder, console, report),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                timeout=machine.seconds,
                check=True,
            )
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        raise BootError(f"{machine.name}: {error}\n{_tail(console)}{_tail(folder / 'emulator.txt')}") from error
    results = {line["check"]: line for line in map(json.loads, report.read_text().splitlines())}
    if LAST not in results:
        raise BootError(f"{machine.name}: the checks broke off\n{_tail(console)}")
    return Observations(machine.name, results)


def _command(system: System, machine: Machine, folder: Path, console: Path, report: Path) -> list[str]:
    # Words with a `=` and no dot that the kernel does not know are the environment of its first process.
    environment = (
        f"MODULES={','.join(machine.modules)}",
        f"CHECKS={','.join(machine.checks)}",
        f"KILLS={machine.kills}",
    )
    # What guards real processors against one another's processes costs an emulated one a third of its speed.
    arguments = ("console=ttyS0", "quiet", "panic=-1", "mitigations=off", *machine.arguments, *environment)
    return [
        *("qemu-system-x86_64", "-accel", "tcg", "-machine", "pc", "-cpu", machine.cpu, "-smp", "2", "-m", "512"),
        *("-device", "pc-testdev", "-acpitable", f"file={folder / 'table.aml'}"),
        *("-nic", "none", "-display", "none", "-monitor", "none", "-no-reboot"),
        *("-serial", f"file:{console}", "-serial", f"file:{report}"),
        *("-kernel", str(system.kernel), "-initrd", str(folder / "initramfs")),
        *("-append", " ".join(arguments)),
    ]


def _firmware(machine: Machine, folder: Path) -> None:
    defines = [word for name in machine.defines for word in ("-D", name)]
    source = HERE / "asl" / machine.table
    subprocess.run(["iasl", *defines, "-p", str(folder / "table"), str(source)], check=True, capture_output=True)


def _initramfs(system: System, folder: Path) -> None:
    """Debian's parts and ours, one archive after the other: the kernel unpacks all into one root."""
    stage = folder / "stage"
    for name in ("dev", "proc", "sys", "tmp"):
        (stage / name).mkdir(parents=True)
    shutil.copy(HERE / "guest" / "init", stage / "init")
    imported = stage / IMPORTED
    only_sources = shutil.ignore_patterns("__pycache__", "*.so")
    shutil.copytree(PACKAGE, imported / "serialprof", ignore=only_sources)
    shutil.copytree(HERE / "guest", imported / "tests" / "qemu" / "guest", ignore=only_sources)
    with (folder / "initramfs").open("wb") as archive:
        for root in (*system.roots, stage):
            names = "\0".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
            command = ["cpio", "--create", "--format=newc", "--null", "--quiet", "--owner=0:0"]
            subprocess.run(command, input=names.encode(), cwd=root, stdout=archive, check=True)


def _tail(file: Path) -> str:
    return file.read_text(errors="replace")[-TAIL:] if file.exists() else ""
