# SPDX-License-Identifier: Apache-2.0
import pytest

from serialprof import _native


@pytest.mark.parametrize("footprint", [1024, 4096, 100_000, 2**20])
@pytest.mark.parametrize("threads", [1, 2])
def test_as_many_loads_as_lines_lead_back(footprint: int, threads: int) -> None:
    width = 3
    kernel = _native.Chase(_native.Team([0] * threads), footprint, width, seed=5)
    start = kernel.cursors()
    assert kernel.lines == footprint // 64 // 16 * 16
    assert len(set(start)) == width
    kernel.run(kernel.lines // 16)
    assert kernel.cursors() == start


def test_no_line_comes_back_before_all_were_visited() -> None:
    kernel = _native.Chase(_native.Team([0]), 64 * 64 * 16, 1, seed=1)
    start = kernel.cursors()
    for _ in range(1, kernel.lines // 16):
        kernel.run(1)
        assert kernel.cursors() != start


def test_a_run_goes_on_where_the_last_one_ended() -> None:
    team = _native.Team([0])
    pieces, whole = (_native.Chase(team, 2**16, 3, seed=1) for _ in range(2))
    for steps in (1, 2, 4):
        pieces.run(steps)
    whole.run(7)
    assert pieces.cursors() == whole.cursors()


def test_cursors_do_not_disturb_one_another() -> None:
    team = _native.Team([0])
    many = _native.Chase(team, 2**16, 15, seed=2)
    starts = many.cursors()
    many.run(7)
    after = dict(zip(starts, many.cursors(), strict=True))
    few = _native.Chase(team, 2**16, 1, seed=2)
    few.run(7)
    assert few.cursors() == [after[0]]


def test_the_seed_decides_the_order() -> None:
    def visited(seed: int) -> list[int]:
        kernel = _native.Chase(_native.Team([0]), 2**16, 4, seed)
        kernel.run(1)
        return kernel.cursors()

    assert visited(1) == visited(1)
    assert visited(1) != visited(2)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_wide_step_does_not_depend_on_the_steps_before(threads: int) -> None:
    team = _native.Team([0] * threads)
    kernel, twin = (_native.Chase(team, 2**16, 2, seed=3, wide=True) for _ in range(2))
    kernel.run(1)
    first = kernel.cursors()
    twin.run(1 + threads)
    assert twin.cursors() != first  # another step starts on other lines
    kernel.run(1)
    assert kernel.cursors() != first  # and so does another run
    twin.run(1)
    assert twin.cursors() == kernel.cursors()  # whatever the steps before


@pytest.mark.parametrize(
    ("footprint", "width", "message"),
    [
        (1023, 1, "footprint_bytes = 1023 lies outside"),
        (10**12, 1, "footprint_bytes = 1000000000000 needs"),
        (4096, 0, "width = 0 lies outside"),
        (4096, 65, "width = 65 lies outside"),
    ],
)
def test_refuses_before_allocating(footprint: int, width: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _native.Chase(_native.Team([0]), footprint, width)
