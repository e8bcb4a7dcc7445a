# SPDX-License-Identifier: Apache-2.0
"""Whole programs as workloads, with real processes."""

import errno
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from serialprof import child
from serialprof.child import TAIL_BYTES, Child
from serialprof.errors import UsageError, WorkloadError
from serialprof.loading import check_name, is_reference, load
from serialprof.measure.pool import PointFailedError, Pool
from serialprof.measure.process import WorkerProcess
from serialprof.measure.protocol import Calibrate, encode
from serialprof.planning import Point
from serialprof.program import Program, code_of, command_reference
from serialprof.setting import Setting

CPU = min(os.sched_getaffinity(0))
PATIENCE = 30.0  # seconds


def program(*argv: str, width: int = 1, threads: int = 1) -> Program:
    stepper = load(command_reference(argv)).stepper(Setting(width=width, threads=threads, mode="process"))
    assert isinstance(stepper, Program)
    return stepper


def script(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o700)
    return str(path)


def test_a_command_with_every_placeholder() -> None:
    text = "-- ./a:b.py 'two words' {width} --threads={threads} {depth}"
    reference = command_reference(["./a:b.py", "two words", "{width}", "--threads={threads}", "{depth}"])
    assert shlex.split(reference) == shlex.split(text)
    assert not is_reference(reference)
    described = load(command_reference(["sh", "-c", "true {width} {threads} {depth}"])).describe("x")
    assert (described.name, described.modes, described.forms) == ("sh", ("process",), ("serial",))
    assert (described.widths, described.depth, described.startup) == ((1, 4, 16, 64, 256), 64, True)


def test_a_command_without_placeholders_is_one_step_of_one_lane() -> None:
    described = load(command_reference(["/bin/sh", "-c", "true"])).describe("x")
    assert (described.name, described.widths, described.quick_widths) == ("sh", (1,), (1,))
    assert (described.depth, described.startup, described.missing) == (1, False, "")


def test_placeholders_are_filled_and_other_braces_stay(tmp_path: Path) -> None:
    out = tmp_path / "out"
    told = ["{threads}", "{width}x{depth}", "{ depth }", "{}", "${HOME}", "{0}", "{{depth}}", "a b'c"]
    program("sh", "-c", 'printf "%s\\n" "$@" > "$0"', str(out), *told, width=16, threads=2).run(1000)
    assert out.read_text().splitlines() == ["2", "16x1000", "{ depth }", "{}", "${HOME}", "{0}", "{1000}", "a b'c"]


def test_nothing_is_interpreted_by_a_shell(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    with pytest.raises(WorkloadError, match="ended with exit code 1"):
        program("test", f"$(touch {marker})", "=", "").run(1)
    assert not marker.exists()


def test_a_name_with_a_placeholder(tmp_path: Path) -> None:
    script(tmp_path / "sim-4", "#!/bin/sh\necho ran >&2\n")
    stepper = program(str(tmp_path / "sim-{width}"), width=4)
    stepper.run(1)
    assert stepper.stderr == "ran"
    with pytest.raises(WorkloadError, match=r"sim-5' cannot be started: No such file"):
        program(str(tmp_path / "sim-{width}"), width=5).run(1)


def test_a_program_in_c(tmp_path: Path) -> None:
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    source = tmp_path / "sim.c"
    source.write_text(
        "#include <stdio.h>\n#include <stdlib.h>\n"
        "int main(int n, char **told) {\n"
        "  unsigned x = 1; for (long i = atol(told[1]); i > 0; i--) x = x * 1664525u + 1013904223u;\n"
        '  fprintf(stderr, "%u", x); return 0;\n}\n'
    )
    binary = str(tmp_path / "sim")
    subprocess.run(["cc", "-o", binary, str(source)], check=True)
    state = 1
    for _ in range(3):
        state = (state * 1664525 + 1013904223) % 2**32
    stepper = program(binary, "{depth}")
    stepper.run(3)
    assert (stepper.exit_code, stepper.stderr) == (0, str(state))


def test_exit_code_and_stderr_are_told_and_kept() -> None:
    stepper = program("sh", "-c", "echo first >&2; echo 'no such mesh' >&2; exit 3")
    assert stepper.exit_code is None
    with pytest.raises(WorkloadError, match=r"exit code 3: first no such mesh; run it by itself$"):
        stepper.run(1)
    assert (stepper.exit_code, stepper.stderr) == (3, "first\nno such mesh")


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGTERM])
def test_a_signal_is_named(number: signal.Signals) -> None:
    stepper = program("sh", "-c", f"kill -{int(number)} $$")
    with pytest.raises(WorkloadError, match=f"died by {number.name}"):
        stepper.run(1)
    assert stepper.exit_code == -number


def test_every_run_has_its_own_stderr() -> None:
    stepper = program("sh", "-c", "echo {depth} >&2")
    for depth in (100, 20, 3):
        stepper.run(depth)
        assert stepper.stderr == str(depth)


def test_much_stderr_is_kept_in_part_and_the_message_stays_short() -> None:
    text = "x" * 199
    stepper = program(
        "sh", "-c", f"for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo {text} >&2; done; echo end >&2; exit 1"
    )
    with pytest.raises(WorkloadError) as failure:
        stepper.run(1)
    assert len(stepper.stderr) <= TAIL_BYTES
    assert stepper.stderr.endswith("x\nend")
    assert len(str(failure.value)) < 500
    assert str(failure.value).endswith("end; run it by itself")


def test_endless_stderr_does_not_fill_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "_LOOK", 0.01)
    monkeypatch.setattr(child, "_MOST_ERRORS", 10_000)
    one = Child()
    wrote = 20_000_000
    code = (
        f"import os, time\nfor _ in range(20): os.write(2, b'x' * {wrote // 20}); time.sleep(0.03)\nos.write(2, b'end')"
    )
    assert one.run([sys.executable, "-c", code]) == 0
    assert one.stderr.endswith("xend")
    assert len(one.stderr) <= TAIL_BYTES
    assert os.fstat(one._errors.fileno()).st_size < wrote / 2


def test_standard_output_is_dropped_and_input_is_empty(capfd: pytest.CaptureFixture[str]) -> None:
    program("sh", "-c", 'echo loud; read line; test -z "$line"').run(1)
    assert capfd.readouterr() == ("", "")


def test_a_process_ends_where_its_run_is_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = tmp_path / "pid"
    monkeypatch.setattr(child, "_LOOK", 0.01)

    def interrupt(self: Child) -> None:
        if pid.exists() and pid.read_text().endswith("\n"):
            raise KeyboardInterrupt

    monkeypatch.setattr(Child, "_trim", interrupt)
    with pytest.raises(KeyboardInterrupt):
        program("sh", "-c", f"echo $$ > {pid}; exec sleep 1000").run(1)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_systems_without_pidfd(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(pid: int) -> int:
        raise OSError(errno.ENOSYS, "no")

    monkeypatch.setattr(os, "pidfd_open", absent)
    stepper = program("sh", "-c", "exit {depth}")
    stepper.run(0)
    with pytest.raises(WorkloadError, match="exit code 7"):
        stepper.run(7)


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["zzzz-nowhere", "{depth}"], "there is no command 'zzzz-nowhere'; give a program on PATH"),
        (["./nowhere"], "there is no command './nowhere'"),
        (["sim"], "there is no command 'sim' on PATH; write ./sim"),
        (["./data"], r"'./data' may not be executed; chmod \+x ./data"),
        (["./folder"], "there is no command './folder'"),
        ([""], "names no program"),
        (["sh", "\udcff"], "is no UTF-8"),
    ],
)
def test_what_is_no_program_is_said_before_it_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argv: list[str], complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    script(tmp_path / "sim", "#!/bin/sh\n")
    (tmp_path / "data").write_text("1 2 3\n")
    (tmp_path / "folder").mkdir()
    with pytest.raises(WorkloadError, match=complaint):
        check_name(command_reference(argv))
    check_name(command_reference(["./sim"]))


def test_no_command_and_a_broken_one() -> None:
    with pytest.raises(UsageError, match="there is no command after --"):
        command_reference([])
    with pytest.raises(WorkloadError, match="names no program"):
        check_name("-- ")
    with pytest.raises(WorkloadError, match="cannot be read: No closing quotation"):
        check_name("-- sh 'x")


def test_the_code_covers_program_and_script_but_no_bulky_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tool, text, data = Path(script(tmp_path / "tool", "#!/bin/sh\n")), tmp_path / "sim.py", tmp_path / "data"
    text.write_text("1")
    with data.open("wb") as file:
        file.truncate((64 << 20) + 1)
    reference = command_reference(["./tool", "sim.py", "data", "{depth}", "nul\0", "x" * 5000])
    seen = [code_of(reference)]
    assert code_of(reference) == seen[0]
    text.write_text("2")
    seen.append(code_of(reference))
    tool.write_text("#!/bin/sh\ntrue\n")
    seen.append(code_of(reference))
    assert len(set(seen)) == 3
    with data.open("r+b") as file:
        file.write(b"changed")
    assert code_of(reference) == seen[-1]


def reason(cpus: tuple[int, ...], *argv: str, limit: float = 60.0) -> str:
    """Why a command fails in a worker."""
    setting = Setting(threads=len(cpus), cpus=cpus, depth=1, mode="process")
    with Pool() as pool, pytest.raises(PointFailedError) as failure:
        pool.calibrate(Point(0, command_reference(argv), setting), limit)
    return str(failure.value)


def test_a_worker_gives_its_cpus_and_thread_counts_to_the_program() -> None:
    cpus = tuple(sorted(os.sched_getaffinity(0)))[:2]
    code = "import os; raise SystemExit(f\"{os.environ['OMP_NUM_THREADS']} {sorted(os.sched_getaffinity(0))}\")"
    count = len(cpus)
    assert f"exit code 1: {count} {list(cpus)};" in reason(cpus, sys.executable, "-c", code)


def test_a_program_that_needs_a_terminal_says_so_itself() -> None:
    assert "/dev/tty" in reason((CPU,), "sh", "-c", "read x </dev/tty").partition("exit code 2: ")[2]


def test_a_program_that_never_ends_is_ended_at_the_limit(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    said = reason((CPU,), "sh", "-c", f"echo $$ > {pid}; exec sleep 1000", limit=3)
    assert said.startswith("hung: no answer within 3 s")
    wait_for_end(int(pid.read_text()))


def test_a_program_and_its_children_end_with_a_killed_worker(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    command = f"sleep 1000 & echo $! $$ > {pids}.new; mv {pids}.new {pids}; wait"
    worker = WorkerProcess(command_reference(["sh", "-c", command]), (CPU,))
    try:
        worker._write(encode(Calibrate(Setting(cpus=(CPU,), mode="process"))))
        end = time.monotonic() + PATIENCE
        while not pids.exists():
            assert time.monotonic() < end
            time.sleep(0.01)
        os.kill(worker._process.pid, signal.SIGKILL)  # the worker alone, as its parent's death does: not its group
        for pid in pids.read_text().split():
            wait_for_end(int(pid))
    finally:
        worker.kill()


def wait_for_end(pid: int) -> None:
    end = time.monotonic() + PATIENCE
    while alive(pid):
        assert time.monotonic() < end, "a program outlives its worker"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
