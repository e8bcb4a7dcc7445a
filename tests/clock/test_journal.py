# SPDX-License-Identifier: Apache-2.0
"""The journal: what is kept, and that a forged or damaged one writes nothing."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from serialprof.clock import journal as journals
from serialprof.clock.journal import Journal, JournalError, journal_path, read_journal, remove_journal, write_journal
from serialprof.clock.recovery import pending, recover
from serialprof.clock.sysfs import Tree, valid
from serialprof.errors import CannotMeasureError, ExitCode
from tests.clock import trees

GOVERNOR = "cpufreq/policy0/scaling_governor"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(trees.acpi(tmp_path / "cpu"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state/serialprof"


def good(tree: Tree) -> dict[str, Any]:
    files = {GOVERNOR: "performance"}
    return {"version": 1, "pid": 4, "boot": journals.boot_id(), "root": str(tree.root), "files": files}


def forge(folder: Path, content: str | bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = journal_path(folder)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(0o600)
    return path


def refusal(folder: Path, tree: Tree) -> str:
    """What is said of the journal, after which everything is as it was."""
    before = trees.contents(tree.root)
    with pytest.raises(JournalError) as caught:
        recover(folder, tree)
    assert caught.value.exit_code == ExitCode.USAGE
    assert trees.contents(tree.root) == before
    assert "nothing was written" in str(caught.value)
    return str(caught.value)


def test_what_was_written_is_read(tree: Tree, folder: Path) -> None:
    kept = Journal(17, "boot", "/root", {GOVERNOR: "ondemand"})
    path = write_journal(folder, kept)
    assert read_journal(path) == kept
    assert (path.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o755)
    assert [entry.name for entry in folder.iterdir()] == [path.name]
    remove_journal(path)
    remove_journal(path)
    assert read_journal(path) is None


def test_a_journal_is_never_written_over_another(folder: Path) -> None:
    path = write_journal(folder, Journal(17, "", "/", {GOVERNOR: "ondemand"}))
    before = path.read_text()
    with pytest.raises(CannotMeasureError, match="File exists"):
        write_journal(folder, Journal(18, "", "/", {GOVERNOR: "performance"}))
    assert path.read_text() == before
    assert [entry.name for entry in folder.iterdir()] == [path.name]


def test_a_link_in_a_journals_place_is_not_followed(tree: Tree, folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text(json.dumps(good(tree)))
    folder.mkdir(parents=True)
    journal_path(folder).symlink_to(elsewhere)
    assert "cannot be opened" in refusal(folder, tree)
    with pytest.raises(CannotMeasureError, match="File exists"):
        write_journal(folder, Journal(18, "", "/", {GOVERNOR: "performance"}))
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(CannotMeasureError, match="clocks are not set"):
        write_journal(tmp_path / "link", Journal(18, "", "/", {GOVERNOR: "performance"}))


def test_a_journal_that_the_checks_let_pass_is_carried_out(tree: Tree, folder: Path) -> None:
    """So that the refusals below are due to what is forged in each."""
    forge(folder, json.dumps(good(tree)))
    recovery = recover(folder, tree)
    assert recovery is not None
    assert (recovery.pid, recovery.restoration.changed) == (4, (GOVERNOR,))
    assert tree.read(GOVERNOR) == "performance"
    assert pending(folder) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("../../../../etc/passwd", "0"),
        ("/etc/passwd", "0"),
        ("cpufreq/policy0/../../../secret", "1"),
        ("cpufreq/policy0/./scaling_governor", "performance"),
        ("cpufreq//policy0/scaling_governor", "performance"),
        ("cpufreq/policy0/scaling_governor/", "performance"),
        ("cpufreq/policy00/scaling_governor", "performance"),
        ("cpufreq/policy-1/scaling_governor", "performance"),
        ("cpufreq/policy0/scaling_governor\n", "performance"),
        ("cpufreq/policy0/scaling_driver", "acpi-cpufreq"),
        ("cpufreq/policy0/bios_limit", "1000000"),
        ("cpu1/online", "0"),
        ("intel_pstate/status", "off"),
        ("amd_pstate/status", "disable"),
        ("smt/control", "off"),
        ("scaling_governor", "performance"),
        ("", "1"),
        (GOVERNOR, ""),
        (GOVERNOR, "Performance"),
        (GOVERNOR, "performance\nx"),
        (GOVERNOR, "performance\n"),
        (GOVERNOR, "a" * 16),
        (GOVERNOR, "../x"),
        ("cpufreq/policy0/scaling_max_freq", "-1"),
        ("cpufreq/policy0/scaling_max_freq", "0"),
        ("cpufreq/policy0/scaling_max_freq", "9999"),
        ("cpufreq/policy0/scaling_max_freq", "20000001"),
        ("cpufreq/policy0/scaling_min_freq", "1e6"),
        ("cpufreq/policy0/scaling_min_freq", "0800000"),
        ("cpufreq/policy0/scaling_min_freq", "800000 "),
        ("cpufreq/policy0/scaling_setspeed", "<unsupported>"),
        ("cpufreq/policy0/energy_performance_preference", "fastest"),
        ("cpufreq/policy0/energy_performance_preference", "256"),
        ("cpufreq/policy0/boost", "2"),
        ("cpufreq/boost", "on"),
        ("intel_pstate/no_turbo", "01"),
        ("cpufreq/ondemand/powersave", "1"),
        ("cpufreq/performance/sampling_rate", "1"),
        ("cpufreq/ondemand/sampling_rate", "-1"),
        ("cpufreq/ondemand/sampling_rate", "9" * 12),
    ],
)
def test_a_forged_journal_writes_nothing_else(tree: Tree, folder: Path, name: str, value: str) -> None:
    assert not valid(name, value)
    document = good(tree)
    document["files"][name] = value  # behind one that could be carried out
    forge(folder, json.dumps(document))
    assert repr(name) in refusal(folder, tree)
    with pytest.raises(ValueError, match="is not written"):
        tree.write(name, value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", 2),
        ("version", True),
        ("version", "1"),
        ("pid", 0),
        ("pid", -4),
        ("pid", "4"),
        ("pid", True),
        ("boot", 3),
        ("root", None),
        ("files", {}),
        ("files", []),
        ("files", {GOVERNOR: 1}),
        ("files", {GOVERNOR: None}),
        ("more", 1),
    ],
)
def test_fields_that_are_not_a_journals(tree: Tree, folder: Path, field: str, value: object) -> None:
    forge(folder, json.dumps(good(tree) | {field: value}))
    refusal(folder, tree)


@pytest.mark.parametrize("field", ["version", "pid", "boot", "root", "files"])
def test_a_field_that_is_not_there(tree: Tree, folder: Path, field: str) -> None:
    document = good(tree)
    del document[field]
    forge(folder, json.dumps(document))
    refusal(folder, tree)


@pytest.mark.parametrize("content", ["", "{", "[1]", "null", b"\xff\xfe\x00", "[" * 100_000, "x" * (5 << 20)])
def test_a_damaged_journal(tree: Tree, folder: Path, content: str | bytes) -> None:
    forge(folder, content)
    refusal(folder, tree)


def test_a_truncated_journal(tree: Tree, folder: Path) -> None:
    whole = json.dumps(good(tree))
    for length in range(1, len(whole), 7):
        forge(folder, whole[:length])
        refusal(folder, tree)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_journal_that_others_may_write_is_not_trusted(tree: Tree, folder: Path, mode: int) -> None:
    forge(folder, json.dumps(good(tree))).chmod(mode)
    assert "that you alone may write" in refusal(folder, tree)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_journal_of_another_user_is_not_trusted(tree: Tree, folder: Path) -> None:
    os.chown(forge(folder, json.dumps(good(tree))), 12345, 12345)
    assert "that you alone may write" in refusal(folder, tree)


def test_a_pipe_in_a_journals_place_does_not_stop_us(tree: Tree, folder: Path) -> None:
    folder.mkdir(parents=True)
    os.mkfifo(journal_path(folder), 0o600)
    refusal(folder, tree)


def test_a_journal_of_another_tree(tree: Tree, folder: Path) -> None:
    forge(folder, json.dumps(good(tree) | {"root": "/elsewhere"}))
    assert "is about /elsewhere" in refusal(folder, tree)


@pytest.mark.parametrize("link", ["cpufreq/policy0", "cpufreq/policy0/scaling_governor", "cpufreq"])
def test_links_out_of_the_tree_are_not_followed(tree: Tree, folder: Path, tmp_path: Path, link: str) -> None:
    """A journal may name a known file that somebody made a link of."""
    outside = trees.acpi(tmp_path / "outside")
    place = tree.root / link
    place.rename(tmp_path / "moved")
    place.symlink_to(outside / link)
    before = trees.contents(outside)
    assert tree.read(GOVERNOR) is None
    with pytest.raises(OSError, match=r"symbolic links|Not a directory"):
        tree.write(GOVERNOR, "performance")
    forge(folder, json.dumps(good(tree)))
    recovery = recover(folder, tree)
    assert recovery is not None
    assert len(recovery.restoration.failed) == 1
    assert trees.contents(outside) == before
    assert pending(folder) is not None


def test_what_a_restart_undid_is_not_given_back(tree: Tree, folder: Path) -> None:
    forge(folder, json.dumps(good(tree) | {"boot": "another start"}))
    before = trees.contents(tree.root)
    recovery = recover(folder, tree)
    assert recovery is not None
    assert recovery.restarted
    assert trees.contents(tree.root) == before
    assert pending(folder) is None


def test_without_a_journal_there_is_nothing_to_give_back(tree: Tree, folder: Path) -> None:
    assert recover(folder, tree) is None
    folder.mkdir(parents=True)
    assert recover(folder, tree) is None


def test_a_journal_where_cpufreq_has_gone(tmp_path: Path, folder: Path) -> None:
    tree = Tree(tmp_path / "empty")
    forge(folder, json.dumps(good(tree)))
    recovery = recover(folder, tree)
    assert recovery is not None
    assert "cannot be read" in recovery.restoration.failed[0]


def test_where_journals_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert journals.default_folder() == Path("/run/serialprof")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert journals.default_folder() == tmp_path / "serialprof"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/someone")
    assert journals.default_folder() == Path("/home/someone/.local/state/serialprof")
