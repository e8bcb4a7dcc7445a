# SPDX-License-Identifier: Apache-2.0
"""What a kernel really executes: a child runs it one instruction at a time (ptrace), and objdump says what each was.

From that follows which operations waited for which, through registers and memory: the chains that are measured. It is
for x86-64 and a kernel on one thread.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from serialprof import _native

TRACEME, GETREGS, SINGLESTEP = 0, 12, 9

PROGRAM = """
import ctypes, os, signal
from serialprof import _native
team = _native.Team([min(os.sched_getaffinity(0))])
{before}
stop, kill, pid = signal.SIGSTOP.value, os.kill, os.getpid()
if ctypes.CDLL(None).ptrace(0, 0, 0, 0) != 0:
    raise SystemExit("no tracing")
kill(pid, stop)
{call}
kill(pid, stop)
"""

# The order of user_regs_struct in <sys/user.h>.
REGISTERS = (
    "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 "
    "rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base ds es fs gs"
)
ORDER = REGISTERS.split(" ")

SHORT = {f"{letter}x": f"r{letter}x" for letter in "abcd"} | {name: f"r{name}" for name in ("si", "di", "bp", "sp")}
LOW = {f"{letter}l": f"r{letter}x" for letter in "abcd"} | {f"{name}l": f"r{name}" for name in ("si", "di", "bp", "sp")}

OPERAND = re.compile(r"(?:[^,(]|\([^)]*\))+")
PACKED = re.compile(r"v?(mov|pxor|xor|p?add|mul|and|or|unpck)\w*(ps|pd|dq[au]?(8|16|32|64)?)")
BYTES = {"x": 16, "y": 32, "z": 64}
MEMORY = re.compile(r"(?P<offset>-?0x[0-9a-f]+)?\((?P<base>%\w+)?(?:,(?P<index>%\w+),(?P<scale>\d))?\)$")


class NoTracingError(Exception):
    """The kernel lets no process trace its child."""


@dataclass(frozen=True)
class Instruction:
    """One instruction, in the notation of AT&T: the last operand is written."""

    name: str
    operands: tuple[str, ...]

    @property
    def copies(self) -> bool:
        """Whether it gives the last operand a value that does not depend on what was there."""
        name, count = self.name, len(self.operands)
        cleared = "xor" in name and len(set(self.operands)) == 1
        return name.startswith(("mov", "vmov", "lea", "set", "pop", "cvt")) or cleared or count == 3

    @property
    def bytes(self) -> int:
        """How much memory it reads or writes, in words: a whole vector where it works on one."""
        vectors = [part[1] for part in self.operands if re.match(r"%[xyz]mm", part)]
        return max(BYTES[vector] for vector in vectors) if vectors and PACKED.fullmatch(self.name) else 8


@dataclass
class Chains:
    """How deep results lie: how many operations of a kind, one waiting for the other, led to each."""

    reached: Counter[int] = field(default_factory=Counter)  # by depth: how many operations gave a result that deep

    @property
    def deepest(self) -> int:
        """The length of the longest chain."""
        return max(self.reached, default=0)


def whole(register: str) -> str:
    """The register that a part of it stands for: %eax is part of rax, %xmm0 of zmm0."""
    name = register.lstrip("%")
    if name[1:3] == "mm" and name[0] in "xyz":
        return "zmm" + name[3:]
    if match := re.fullmatch(r"(r\d+)[dwb]", name):
        return match[1]
    return LOW.get(name) or SHORT.get(name.removeprefix("e").removeprefix("r")) or name


def trace(before: str, call: str, level: str = "") -> list[dict[str, int]]:
    """The registers before every instruction of the module that `call` executes; `before` prepares it.

    Raises:
        NoTracingError: the kernel forbids it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    program = PROGRAM.format(before=before, call=call)
    child = subprocess.Popen([sys.executable, "-c", program], env=os.environ | {"SERIALPROF_ISA": level})
    try:
        _, status = os.waitpid(child.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            raise NoTracingError
        base, end = module_of(child.pid)
        registers = (ctypes.c_ulonglong * len(ORDER))()
        seen = []
        while True:
            if libc.ptrace(SINGLESTEP, child.pid, None, None) != 0:
                raise NoTracingError
            _, status = os.waitpid(child.pid, 0)
            assert os.WIFSTOPPED(status), "the child ended before the call did"
            if os.WSTOPSIG(status) != signal.SIGTRAP:
                return seen
            libc.ptrace(GETREGS, child.pid, None, registers)
            if base <= registers[ORDER.index("rip")] < end:
                state = dict(zip(ORDER, registers, strict=True))
                state["rip"] -= base
                seen.append(state)
    finally:
        child.kill()
        child.wait()


def module_of(pid: int) -> tuple[int, int]:
    """The addresses at which a process has the native module."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    ranges = [line.split()[0] for line in lines if line.endswith(_native.__file__)]
    return int(ranges[0].split("-")[0], 16), int(ranges[-1].split("-")[1], 16)


@cache
def listing() -> dict[int, str]:
    """The native module, disassembled: what stands at each address."""
    command = ["objdump", "--disassemble", "--no-show-raw-insn", str(_native.__file__)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {int(address, 16): code for address, code in re.findall(r"^ *([0-9a-f]+):\t(.+)", text, re.MULTILINE)}


@cache
def instruction_at(address: int) -> Instruction:
    """One instruction of the native module."""
    name, _, operands = listing()[address].split("#")[0].split("<")[0].strip().partition(" ")
    return Instruction(name, tuple(part.strip() for part in OPERAND.findall(operands.strip())))


def chains(steps: list[dict[str, int]], operation: str) -> Chains:
    """The chains of an operation, a regular expression over names such as "imul"; "load" follows pointers.

    An operation counts only between registers and memory: what adds a constant belongs to a loop.
    """
    wanted = re.compile(operation)
    depth: dict[str | int, int] = {}
    result = Chains()
    for state in steps:
        instruction = instruction_at(state["rip"])
        if not instruction.operands or instruction.name.startswith(
            ("cmp", "test", "j", "push", "call", "ucomi", "comi")
        ):
            continue
        counts = bool(wanted.fullmatch(instruction.name)) and not instruction.operands[0].startswith("$")
        span = instruction.bytes
        *read, written = instruction.operands
        if not (instruction.copies or (len(read) == 0)):
            read.append(written)
        if instruction.name.startswith("vfm"):
            read.append(written)
        reached = max((depth.get(place, 0) for part in read for place in places(part, state, span)), default=0) + counts
        if (
            operation == "load"
            and instruction.name == "mov"
            and (followed := MEMORY.match(read[0]))
            and followed["base"]
        ):
            pointer = depth.get(whole(followed["base"]), 0) + 1
            result.reached[pointer] += 1
            reached = max(reached, pointer)
        elif counts:
            result.reached[reached] += 1
        for place in places(written, state, span):
            depth[place] = reached
    return result


def places(operand: str, state: dict[str, int], span: int) -> Iterator[str | int]:
    """Where an operand is kept: a register's name, or the addresses of the words of memory."""
    if operand.startswith("%") and ":" not in operand:
        yield whole(operand)
    elif match := MEMORY.match(operand):
        base = state.get(whole(match["base"]), 0) if match["base"] else 0
        index = state.get(whole(match["index"]), 0) * int(match["scale"]) if match["index"] else 0
        start = (base + index + int(match["offset"] or "0", 16)) % 2**64
        yield from range(start, start + span, 8)
