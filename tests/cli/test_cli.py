# SPDX-License-Identifier: Apache-2.0
"""The command line: exit codes, outputs, and what is left behind."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from serialprof.store import read_run
from tests.cli.calling import MAIN, called, processed

HEAVY = {"numpy", "pandas", "matplotlib", "torch", "scipy"}
QUICK = ("--quick", "--budget", "1s", "--threads", "1")
TOYS = '''
import os
import serialprof

@serialprof.workload(depth="turns", width="wheels", widths=(1, 2, 4, 8), default_depth=4)
def spin(setting):
    """Spins."""
    def turn():
        total = 0
        for wheel in range(200 * setting.width):
            total += wheel
    return turn

@serialprof.workload(widths=(1, 2, 4, 8), default_depth=4)
def stuck(setting):
    import pathlib, signal
    def step():
        pathlib.Path(__file__).with_name("stuck").touch()
        signal.pause()
    return step

@serialprof.workload(widths=(1, 2, 4, 8), default_depth=4)
def bad(setting):
    if setting.width == 4:
        os.abort()
    return lambda: sum(range(200 * setting.width))
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "toys.py").write_text(TOYS)
    return tmp_path


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small run of a stranger's workload, a.serialprof and its page."""
    folder = tmp_path_factory.mktemp("measured")
    (folder / "toys.py").write_text(TOYS)
    done = processed("run", "toys.py:spin", *QUICK, "-o", "a.serialprof", cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "run.out").write_text(done.stdout)
    return folder


@pytest.mark.parametrize("arguments", [("--help",), ("run", "--help"), ("report", "--help"), ("--version",)])
def test_help_imports_nothing_heavy(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    code = (
        f"import sys; sys.argv = ['serialprof', *{arguments!r}]\n"
        "from serialprof.cli import main\n"
        "try: main()\n"
        f"finally: print('HEAVY', sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"
    assert len(done.stdout) > 20


def test_a_run_leaves_a_store_a_page_and_a_verdict(measured: Path) -> None:
    run = read_run(measured / "a.serialprof")
    assert run.status == "complete"
    assert run.command[:2] == ("serialprof", "run")
    assert {visit.status for visit in run.visits} == {"ok"}
    assert {point.setting.width for point in run.plan.points} == {1, 2, 4, 8}
    assert run.limits.chains["multiply"] > 0
    assert (measured / "a.html").read_text().startswith("<!DOCTYPE html>")
    text = (measured / "run.out").read_text()
    assert "spin" in text
    assert "a.serialprof" in text
    assert "a.html" in text
    assert sorted(path.name for path in measured.iterdir()) == ["a.html", "a.serialprof", "run.out", "toys.py"]


def test_a_report_rebuilds_the_same_page_from_the_store_alone(measured: Path, tmp_path: Path) -> None:
    copy = tmp_path / "moved.serialprof"
    copy.write_bytes((measured / "a.serialprof").read_bytes())
    done = processed("report", "moved.serialprof", "--format", "html", "-o", "b.html", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "b.html").read_text() == (measured / "a.html").read_text()


def test_a_report_needs_neither_torch_nor_hardware(measured: Path, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "for name in ('torch', 'pynvml', 'psutil'): sys.modules[name] = None\n"
        f"sys.argv = ['serialprof', 'report', {str(measured / 'a.serialprof')!r}]\n"
        "from serialprof.cli import main\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "spin" in done.stdout


def test_exports(measured: Path, tmp_path: Path) -> None:
    store = str(measured / "a.serialprof")
    document = json.loads(called("export", store, "--format", "json", cwd=tmp_path).stdout)
    assert document
    assert called("export", store, "--format", "csv", "-o", "a.csv", cwd=tmp_path).returncode == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text())))
    assert len(rows) == sum(len(visit.samples) for visit in read_run(measured / "a.serialprof").visits)


def test_json_is_alone_on_standard_output(folder: Path) -> None:
    done = called("run", "toys.py:spin", *QUICK, "--json", "--no-html", "-o", "a.serialprof", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
    assert not (folder / "a.html").exists()


def test_a_dry_run_measures_and_writes_nothing(folder: Path) -> None:
    done = called("run", "toys.py:spin", "lstm", "--dry-run", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "spin: wheels 1, 2, 4, 8" in done.stdout
    assert [path.name for path in folder.iterdir()] == ["toys.py"]


def test_a_point_that_crashes_is_listed_and_the_sweep_goes_on(folder: Path) -> None:
    done = processed("run", "toys.py:bad", *QUICK, "-o", "a.serialprof", cwd=folder)
    assert done.returncode == 2
    assert "worker died by SIGABRT" in done.stderr
    run = read_run(folder / "a.serialprof")
    by_width = {run.point(visit.point).setting.width: visit.status for visit in run.visits}
    assert by_width == {1: "ok", 2: "ok", 4: "failed", 8: "ok"}
    assert (folder / "a.html").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("run", "dekode"), "unknown workload 'dekode'; did you mean decode"),
        (("run", "--width", "0", "lstm"), "width '0' is no whole number from 1 on"),
        (("run", "--width", "1000000000000", "life"), "life at width 1000000000000 would touch"),
        (("run", "--threads", "4096", "lstm"), "--threads 4096: this process may use"),
        (("run", "--budget", "-3s", "lstm"), "'-3s' is no duration"),
        (("run", "--budget", "8000h", "lstm"), "'8000h' is no duration between 0 and 7 days"),
        (("run", "--depth", "0", "lstm"), "0 is not in the range 1<=x"),
        (("run", "--precision", "100%", "lstm"), "'100%' is no share"),
        (("run", "--precision", "0%", "lstm"), "'0%' is no share"),
        (("run", "--param", "hiden=3", "lstm"), "lstm has no parameter 'hiden'; known parameters: hidden"),
        (("run", "--param", "hidden", "lstm"), "'hidden' is no K=V"),
        (("run", "lstm", "-o", "taken.serialprof"), "taken.serialprof exists"),
        (("run", "lstm", "-o", "page.serialprof"), "page.html exists"),
        (("run", "lstm", "-o", "."), ". exists"),
        (("run", "barrier", "--width", "1000000000000"), "barrier at width 1000000000000"),
        (("run", "lstm", "--param", "hidden=nan"), "'hidden=nan' is no finite number"),
        (("run", "lstm", "--param", "hidden=0"), "hidden = 0 is no whole number from 1 on"),
        (("run", "toys.py"), "'toys.py' lacks a name"),
        (("run", "lstm", "-o", "nowhere/a.serialprof"), "there is no folder"),
        (("run", "nowhere.py:f"), "there is no file 'nowhere.py'"),
        (("run", "toys.py:f"), "has no 'f'; it declares spin, stuck, bad"),
        (("report", "absent.serialprof"), "there is no run file absent.serialprof"),
        (("report", "toys.py"), "toys.py is damaged or no run file"),
        (("export", "toys.py", "--format", "xml"), "'xml'"),
        (("frobnicate",), "frobnicate"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(folder: Path, arguments: tuple[str, ...], complaint: str) -> None:
    (folder / "taken.serialprof").write_text("precious")
    (folder / "page.html").write_text("precious")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = called(*arguments, cwd=folder)
    assert done.returncode == 2
    assert complaint in " ".join(done.stderr.split())
    assert done.stderr.startswith("serialprof: ") and len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_too_many_points_are_refused_with_their_count(folder: Path) -> None:
    widths = ",".join(map(str, range(1, 10_002)))
    done = processed("run", "toys.py:spin", "--threads", "1", "--width", widths, "-o", "a.serialprof", cwd=folder)
    assert done.returncode == 2
    assert done.stderr == "serialprof: the sweep has 10001 points; shorten --width or --threads to 10000 at most\n"
    assert [path.name for path in folder.iterdir()] == ["toys.py"]


def test_an_unwritable_folder_is_said_before_anything_is_measured(folder: Path) -> None:
    if os.geteuid() == 0:
        target = Path("/proc/a.serialprof")  # root may write anywhere else
    else:
        folder.chmod(0o500)
        target = folder / "a.serialprof"
    done = called("run", "lstm", "-o", str(target), cwd=folder)
    assert done.returncode == 2
    assert "cannot write" in done.stderr


def test_an_interrupt_keeps_what_was_measured(folder: Path) -> None:
    # What starts the tests may ignore SIGINT, which children inherit.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = [sys.executable, "-c", f"{heed}\n{MAIN}"]
    command += ["run", "toys.py:spin", "--quick", "--threads", "1", "--precision", "0.0001%", "-o", "a.serialprof"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr
        for line in process.stderr:
            if line.startswith("sampling"):
                break
        file = folder / "a.serialprof"
        while not read_run(file).visits:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "what was measured is kept in a.serialprof; go on with: serialprof run --resume a.serialprof" in said
    run = read_run(file)
    assert run.status == "interrupted"
    assert run.visits
    report = called("report", "a.serialprof", cwd=folder)
    assert report.returncode == 0, report.stderr
    assert "spin" in report.stdout
    assert f"run {run.run_id} is interrupted" in " ".join(report.stdout.split())


def test_a_reader_that_leaves_is_no_regression(folder: Path) -> None:
    command = f"{sys.executable} -c '{MAIN}' run toys.py:spin --dry-run | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("buffering", [["-u"], []], ids=["unbuffered", "buffered"])
def test_a_full_disk_behind_standard_output_is_a_sentence(folder: Path, buffering: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, *buffering, "-c", MAIN, "list"]
        done = subprocess.run(command, cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert done.stderr == "serialprof: No space left on device: make room, or write elsewhere\n"


def test_a_dry_run_as_json(folder: Path) -> None:
    done = called("run", "toys.py:spin", "--dry-run", "--json", cwd=folder)
    assert len(json.loads(done.stdout)["plan"]["points"]) >= 4


@pytest.mark.parametrize(
    ("options", "kinds"), [((), ["delay"]), (("--dilate",), ["delay", "dilation"]), (("--no-stand-ins",), [])]
)
def test_which_stand_ins_are_taken(folder: Path, options: tuple[str, ...], kinds: list[str]) -> None:
    done = called("run", "toys.py:spin", "--dry-run", "--json", *options, cwd=folder)
    if "--dilate" in options and done.returncode == 3:
        pytest.skip(done.stderr)
    assert json.loads(done.stdout)["plan"]["stand_ins"] == kinds


def test_dilation_is_a_stand_in(folder: Path) -> None:
    done = called("run", "toys.py:spin", "--no-stand-ins", "--dilate", cwd=folder)
    assert done.returncode == 2
    assert "--dilate is a stand-in, which --no-stand-ins leaves out" in done.stderr


def test_files_with_the_names_of_modules_do_no_harm(folder: Path) -> None:
    for name in ("random.py", "serialprof.py", "json.py"):
        (folder / name).write_text("raise SystemExit('found first')")
    (folder / "pickle.py").write_text(TOYS)
    done = subprocess.run(
        [sys.executable, "-P", "-c", MAIN, "run", "pickle.py:spin", "--dry-run"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_page_can_be_called_anything(folder: Path) -> None:
    done = called("run", "toys.py:spin", *QUICK, "--width", "1", "-o", "a.html", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert read_run(folder / "a.html").status == "complete"
    assert (folder / "a.html.html").exists()


def test_a_terminated_run_is_closed_like_an_interrupted_one(folder: Path, empty_cache: Path) -> None:
    command = [sys.executable, "-c", MAIN]
    command += ["run", "toys.py:spin", "--threads", "1", "-o", "a.serialprof"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert process.stderr.readline().startswith("measuring this machine")
        process.terminate()
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted before anything was measured" in said
    assert [path.name for path in folder.iterdir()] == ["toys.py"]


def test_killing_the_run_keeps_its_visits(folder: Path) -> None:
    command = [sys.executable, "-c", MAIN]
    command += ["run", "toys.py:spin", "--quick", "--threads", "1", "--precision", "0.0001%", "-o", "a.serialprof"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        while not process.stderr.readline().startswith("sampling"):
            assert process.poll() is None
        while not read_run(folder / "a.serialprof").visits:
            assert process.poll() is None
        process.kill()
    assert read_run(folder / "a.serialprof").visits
    assert read_run(folder / "a.serialprof").status == "running"


def test_killing_the_run_ends_a_worker_that_hangs(folder: Path) -> None:
    command = [sys.executable, "-c", MAIN]
    command += ["run", "toys.py:stuck", "--quick", "--threads", "1", "-o", "a.serialprof"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        while not process.stderr.readline().startswith("calibrating"):
            assert process.poll() is None
        while not (folder / "stuck").exists():
            assert process.poll() is None
        workers = _children(process.pid)
        process.kill()
    assert workers
    for worker in workers:
        deadline = time.monotonic() + 30
        while _alive(worker):
            assert time.monotonic() < deadline, "a worker outlives its run"


def _children(parent: int) -> list[int]:
    numbers = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [number for number in numbers if _parent(Path(f"/proc/{number}")) == parent]


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
