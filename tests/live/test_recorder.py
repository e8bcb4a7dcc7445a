# SPDX-License-Identifier: Apache-2.0
"""The native recorder on a made clock: every figure is known exactly."""

import pytest

from tests.live.replay import (
    ATTENTION,
    DECODE,
    FORWARD,
    INNER,
    NEXT,
    SAMPLE,
    TICK,
    held,
    of_lanes,
    recorded,
    steps,
)


def test_regions_belong_to_the_step_and_to_what_encloses_them() -> None:
    calls = [
        ("begin", DECODE, 0),
        *[("enter", NEXT, 0), ("leave", NEXT, 10)],
        *[("enter", FORWARD, 10), ("enter", ATTENTION, 20), ("leave", ATTENTION, 50), ("leave", FORWARD, 60)],
        *[("enter", SAMPLE, 60), ("raise", SAMPLE, 65)],
        ("step", DECODE, 100),
        *[("enter", SAMPLE, 110), ("leave", SAMPLE, 120), ("enter", SAMPLE, 130), ("leave", SAMPLE, 140)],
        ("step", DECODE, 200),
        ("end", DECODE, 200),
    ]
    (loop,), outside, losses = recorded(calls)
    assert (loop.name, loop.seen, loop.cut, loop.left_out, loop.lanes) == ("decode", 2, 0, 0, 1)
    assert loop.seconds == pytest.approx(200 * TICK)
    places = {place.path: (place.calls, place.raised, round(place.seconds / TICK)) for place in loop.places}
    assert places == {
        ("next(loop)",): (1, 0, 10),
        ("forward",): (1, 0, 50),
        ("forward", "attention"): (1, 0, 30),
        ("sample",): (3, 1, 25),
    }
    assert [[round(part / TICK) for part in step.places] for step in loop.kept] == [[50, 30, 10, 5], [0, 0, 0, 20]]
    assert outside == () and losses.left_open == losses.not_entered == losses.crossed == 0


def test_a_region_of_the_same_name_within_itself_has_a_place_of_its_own() -> None:
    calls = [("begin", DECODE, 0), ("enter", SAMPLE, 0), ("enter", SAMPLE, 10), ("leave", SAMPLE, 20)]
    (loop,), _, _ = recorded([*calls, ("leave", SAMPLE, 50), ("step", DECODE, 60), ("end", DECODE, 60)])
    assert {place.path: round(place.seconds / TICK) for place in loop.places} == {
        ("sample",): 50,
        ("sample", "sample"): 10,
    }


def test_what_lies_outside_steps_is_kept_apart() -> None:
    calls = [("enter", SAMPLE, 0), ("enter", FORWARD, 5), ("leave", FORWARD, 9), ("leave", SAMPLE, 20)]
    loops, outside, _ = recorded([*calls, *steps([10], start=30), ("enter", SAMPLE, 50), ("leave", SAMPLE, 51)])
    assert [loop.places for loop in loops] == [()]
    assert {place.path: (place.calls, round(place.seconds / TICK)) for place in outside} == {
        ("sample",): (2, 21),
        ("sample", "forward"): (1, 4),
    }


def test_a_loop_inside_a_step_is_a_loop_and_a_part() -> None:
    calls = [("begin", DECODE, 0), ("begin", INNER, 10), ("enter", SAMPLE, 12), ("leave", SAMPLE, 15)]
    calls += [("step", INNER, 20), ("step", INNER, 40), ("end", INNER, 45), ("step", DECODE, 100), ("end", DECODE, 100)]
    (outer, inner), _, losses = recorded(calls)
    assert [(loop.name, loop.seen) for loop in (outer, inner)] == [("decode", 1), ("inner", 2)]
    (place,) = outer.places
    assert (place.path, place.loop, round(place.seconds / TICK)) == (("inner",), True, 35)
    assert [place.path for place in inner.places] == [("sample",)]
    assert losses.nested == 0


class TestWhatDoesNotMatch:
    def test_a_region_left_open_costs_its_step_and_no_other(self) -> None:
        calls = [("begin", DECODE, 0), ("enter", SAMPLE, 10), ("step", DECODE, 50)]
        calls += [("enter", FORWARD, 60), ("leave", FORWARD, 70), ("step", DECODE, 100), ("end", DECODE, 100)]
        (loop,), _, losses = recorded(calls)
        assert (loop.seen, loop.left_out, losses.left_open) == (1, 1, 1)
        assert {place.path: place.calls for place in loop.places} == {("sample",): 0, ("forward",): 1}

    def test_exits_in_the_wrong_order_give_no_times(self) -> None:
        """Two tasks of one event loop: a enters, b enters, a leaves, b leaves."""
        calls = [("begin", DECODE, 0), ("enter", SAMPLE, 10), ("enter", FORWARD, 20), ("leave", SAMPLE, 30)]
        calls += [("leave", FORWARD, 40), ("step", DECODE, 50), ("step", DECODE, 60), ("end", DECODE, 60)]
        (loop,), _, losses = recorded(calls)
        assert (loop.seen, loop.left_out) == (1, 1)
        assert (losses.left_open, losses.not_entered) == (2, 1)
        assert sum(place.calls for place in loop.places) == 0

    def test_outside_steps_they_give_none_either(self) -> None:
        calls = [("enter", SAMPLE, 0), ("enter", FORWARD, 1), ("leave", SAMPLE, 2), ("leave", FORWARD, 3)]
        _, outside, losses = recorded([*calls, ("enter", SAMPLE, 10), ("leave", SAMPLE, 14)])
        assert [(place.path, place.calls, round(place.seconds / TICK)) for place in outside] == [(("sample",), 1, 4)]
        assert (losses.left_open, losses.not_entered) == (2, 1)

    def test_an_exit_without_an_entry_is_counted(self) -> None:
        (loop,), _, losses = recorded(
            [("begin", DECODE, 0), ("leave", SAMPLE, 5), ("step", DECODE, 9), ("end", DECODE, 9)]
        )
        assert (loop.seen, losses.not_entered) == (1, 1)

    def test_a_loop_among_another_ones_steps_is_told(self) -> None:
        """Two loops of one thread that take turns: the outer step cannot be told from the inner loop's."""
        calls = [("begin", DECODE, 0), ("begin", INNER, 10), ("step", DECODE, 20), ("step", INNER, 30)]
        loops, _, losses = recorded([*calls, ("step", DECODE, 40), ("end", DECODE, 50)])
        assert losses.crossed == 2
        assert {loop.name: (loop.seen, loop.left_out) for loop in loops} == {"decode": (0, 2)}

    def test_a_run_that_another_thread_ended_leaves_no_trace(self) -> None:
        calls = [("begin", DECODE, 0), ("orphan", DECODE, 5), ("enter", SAMPLE, 10), ("leave", SAMPLE, 20)]
        loops, outside, losses = recorded(calls)
        assert loops == () and losses.crossed == 1
        assert [place.path for place in outside] == [("sample",)]

    def test_a_step_left_by_a_break_is_in_nothing(self) -> None:
        calls = [*steps([10, 10])[:-1], ("enter", SAMPLE, 21), ("leave", SAMPLE, 22), ("cut", DECODE, 25)]
        (loop,), _, _ = recorded(calls)
        assert (loop.seen, loop.cut, loop.seconds) == (2, 1, pytest.approx(20 * TICK))
        assert [place.calls for place in loop.places] == [0]


class TestBounds:
    def test_a_million_ticks_of_steps_stay_exact_in_bounded_memory(self) -> None:
        count = 20_000
        durations = [100 + index % 7 for index in range(count)]
        durations[777] = 5000
        one = held(steps(durations, {SAMPLE: 40}), block=100)["loops"][0]
        assert one["seen"] == count and one["total"] == sum(durations)
        assert len(one["blocks"]) <= 256 and len(one["kept_start"]) <= 8 * 512 and len(one["slow_ticks"]) == 8 * 64
        assert sum(row[0] for row in one["blocks"]) == count
        assert sum(row[1] for row in one["blocks"]) == sum(durations)
        (place,) = one["places"]
        assert (place["calls"], place["total"]) == (count, 40 * count)
        (loop,), _, _ = of_lanes([held(steps(durations, {SAMPLE: 40}), block=100)])
        assert loop.longest == pytest.approx(5000 * TICK)
        assert sum(loop.spread.counts) == count
        assert sum(block.places[0] for block in loop.blocks) == pytest.approx(40 * count * TICK)

    def test_every_so_many_steps_are_kept(self) -> None:
        (loop,), _, _ = recorded(steps([10] * 2000))
        assert loop.every == 4 and len(loop.kept) == 500
        assert [round(step.start / TICK) for step in loop.kept[:3]] == [0, 40, 80]

    def test_the_slowest_steps_are_kept_with_their_regions(self) -> None:
        calls, now = [("begin", DECODE, 0)], 0
        for index in range(1000):
            part = 900 if index == 500 else 5
            calls += [("enter", SAMPLE, now), ("leave", SAMPLE, now + part), ("step", DECODE, now + part + 100)]
            now += part + 100
        (loop,), _, _ = recorded(calls)
        assert [round(value / TICK) for value in (loop.slowest[0].seconds, *loop.slowest[0].places)] == [1000, 900]
        assert len(loop.slowest) == 64

    def test_more_places_than_there_is_room_for_are_told(self) -> None:
        calls = [("begin", DECODE, 0)]
        for name in range(10, 110):
            calls += [("enter", name, name), ("leave", name, name + 1)]
        lane = held([*calls, ("step", DECODE, 500), ("end", DECODE, 500)])
        assert len(lane["loops"][0]["places"]) == 64 and lane["losses"]["refused"] == 36

    def test_too_deep_regions_are_told_and_the_others_kept(self) -> None:
        calls = [("begin", DECODE, 0)]
        calls += [("enter", SAMPLE, tick) for tick in range(70)] + [("leave", SAMPLE, 100 + tick) for tick in range(70)]
        (loop,), _, losses = recorded([*calls, ("step", DECODE, 500), ("end", DECODE, 500)])
        assert losses.deep == 7 and losses.not_entered == 0
        assert (loop.seen, len(loop.places)) == (1, 63)


def test_threads_that_drove_one_loop_are_put_together() -> None:
    one, two = held(steps([10, 10], {SAMPLE: 3})), held(steps([30], {FORWARD: 5, SAMPLE: 7}))
    (loop,), _, _ = of_lanes([one, two])
    assert (loop.lanes, loop.seen, round(loop.seconds / TICK)) == (2, 3, 50)
    assert {place.path: round(place.seconds / TICK) for place in loop.places} == {("forward",): 5, ("sample",): 13}
    assert sorted(tuple(round(part / TICK) for part in step.places) for step in loop.kept) == [(0, 3), (0, 3), (5, 7)]


@pytest.mark.parametrize("call", ["step", "end", "cut"])
def test_a_loop_that_was_not_begun_takes_no_region_for_itself(call: str) -> None:
    calls = [("enter", SAMPLE, 0), (call, DECODE, 5), ("end", DECODE, 7), ("leave", SAMPLE, 10)]
    loops, outside, losses = recorded(calls)
    assert not loops
    assert {place.path: (place.calls, round(place.seconds / TICK)) for place in outside}[("sample",)] == (1, 10)
    assert losses.left_open == losses.crossed == losses.not_entered == 0
