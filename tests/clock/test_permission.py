# SPDX-License-Identifier: Apache-2.0
"""Who may set clocks, told before anything is written."""

import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from serialprof.clock.permission import check_permission, needed, writers
from serialprof.clock.policies import policies
from serialprof.clock.sysfs import Tree
from serialprof.errors import CannotMeasureError, ExitCode
from tests.clock import trees


def denial(tree: Tree, *, turbo_off: bool = True) -> str:
    before = trees.contents(tree.root)
    with pytest.raises(CannotMeasureError) as caught:
        check_permission(policies(tree), tree, turbo_off=turbo_off)
    assert caught.value.exit_code == ExitCode.CANNOT_MEASURE
    assert trees.contents(tree.root) == before
    return str(caught.value)


def test_only_what_may_be_written_is_needed(tmp_path: Path) -> None:
    tree = Tree(trees.intel(tmp_path / "intel"))
    limits = {f"cpufreq/policy{number}/scaling_{end}_freq" for number in (0, 1) for end in ("min", "max")}
    assert set(needed(policies(tree))) == limits | {"intel_pstate/no_turbo"}
    assert set(needed(policies(tree), turbo_off=False)) == limits
    tree = Tree(trees.shared(tmp_path / "acpi"))
    kinds = {name.rpartition("/")[2] for name in needed(policies(tree))}
    assert kinds == {"scaling_governor", "scaling_setspeed", "scaling_min_freq", "scaling_max_freq"}


def test_a_machine_that_may_be_set(tmp_path: Path) -> None:
    check_permission(policies(Tree(trees.acpi(tmp_path))), Tree(tmp_path))


def test_without_cpufreq(tmp_path: Path) -> None:
    assert "no cpufreq" in denial(Tree(tmp_path))


def test_a_file_that_takes_nothing_is_read_only_for_root_too(tmp_path: Path) -> None:
    tree = Tree(trees.intel(tmp_path))
    (tmp_path / "intel_pstate/no_turbo").chmod(0o444)
    assert not tree.writable("intel_pstate/no_turbo")
    said = denial(tree)
    assert f"{tmp_path}/intel_pstate/no_turbo may not be written here; this kernel's driver takes no value" in said
    check_permission(policies(tree), tree, turbo_off=False)


def test_a_user_without_permission_is_told_what_grants_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = Tree(trees.intel(tmp_path))
    monkeypatch.setattr(Tree, "writable", lambda self, name: False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    said = denial(tree)
    assert f"{tmp_path}/cpufreq/policy0/scaling_min_freq and 4 more may not be written here" in said
    assert said.endswith("run it with sudo, or let a group write these files by the udev rule in docs/clocks.md")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "CAP_DAC_OVERRIDE" in denial(tree)


def test_a_container_is_told_of_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = Tree(trees.intel(tmp_path))
    monkeypatch.setattr(Tree, "writable", lambda self, name: False)
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_flag=os.ST_RDONLY))
    assert "/sys is mounted read-only, as in a container" in denial(tree)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_another_user_may_write_what_the_mode_says() -> None:
    """By the system's own judgement."""
    with tempfile.TemporaryDirectory() as name:
        tree = Tree(trees.acpi(Path(name) / "cpu"))
        Path(name).chmod(0o755)
        if not all(folder.stat().st_mode & 0o001 for folder in Path(name).parents):
            pytest.skip("the folder of temporary files is closed to other users")
        (tree.root / "cpufreq/policy1/scaling_max_freq").chmod(0o666)
        os.seteuid(12345)
        try:
            may = [tree.writable(f"cpufreq/policy{number}/scaling_max_freq") for number in (0, 1)]
        finally:
            os.seteuid(0)
        assert may == [False, True]


@pytest.mark.parametrize(
    ("mode", "who"), [(0o644, "{user}"), (0o664, "{user} and group {group}"), (0o666, "everyone"), (0o444, "nobody")]
)
def test_who_may_write(tmp_path: Path, mode: int, who: str) -> None:
    import grp
    import pwd

    path = tmp_path / "file"
    path.write_text("1")
    path.chmod(mode)
    names = {"user": pwd.getpwuid(os.geteuid()).pw_name, "group": grp.getgrgid(path.stat().st_gid).gr_name}
    assert writers(Tree(tmp_path), "file") == who.format(**names)
    assert writers(Tree(tmp_path), "absent") == "nobody"
