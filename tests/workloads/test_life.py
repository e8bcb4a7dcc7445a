# SPDX-License-Identifier: Apache-2.0
import pytest

from serialprof.setting import Form, Setting
from serialprof_workloads.life import life, packed, shape


@pytest.mark.parametrize("form", ["serial", "wide"])
@pytest.mark.parametrize("threads", [1, 2])
def test_runs_and_checks(form: Form, threads: int) -> None:
    stepper = life.stepper(Setting(width=32768, form=form, threads=threads, cpus=(0,) * threads))
    stepper.run(3)
    stepper.check()


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (64, (1, 64)),
        (192, (3, 64)),
        (4096, (64, 64)),
        (32768, (128, 256)),
        (2**24, (4096, 4096)),
        (2**27, (8192, 16384)),
        (64 * 1001, (1001, 64)),
    ],
)
def test_chooses_a_nearly_square_grid(cells: int, wanted: tuple[int, int]) -> None:
    assert shape(cells) == wanted


@pytest.mark.parametrize("cells", [-64, 0, 63, 100])
def test_refuses_what_is_no_grid_of_words(cells: int) -> None:
    with pytest.raises(ValueError, match=f"width = {cells} is no positive multiple of 64"):
        shape(cells)


def test_packs_row_by_row_from_the_lowest_bit() -> None:
    assert packed({(0, 0), (0, 9), (1, 63)}, 2, 64) == b"\x01\x02" + bytes(13) + b"\x80"


@pytest.mark.parametrize(("instructions", "operations", "chain"), [("baseline", 23, 9), ("avx512", 11, 6)])
def test_declares_its_work(monkeypatch: pytest.MonkeyPatch, instructions: str, operations: int, chain: int) -> None:
    monkeypatch.setattr("serialprof._native.instruction_set", lambda: instructions)
    work = life.work(Setting(width=128, threads=2))
    assert work.flops.at(128) == 2 * operations
    assert work.serial_ops == chain
    assert work.footprint.at(128) == 32
    assert work.lanes.at(128) == 2
    assert work.barriers == 1
