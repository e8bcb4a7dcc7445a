# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys
from dataclasses import replace

import made
import pytest

from serialprof.estimate import Estimate
from serialprof.model.answers import BestSetting, Contradiction, Frontier, Refusal, Sensitivity, TieLine
from serialprof.model.results import Analysis
from serialprof_reports.terminal import terminal


@pytest.fixture(scope="module")
def text() -> str:
    run = made.stored_run()
    return terminal(made.view(run, made.analysis(run)))


def test_default_run_fits_eighty_columns(text: str) -> None:
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "\x1b" not in text


def test_head_names_the_machine(text: str) -> None:
    head = text.splitlines()[:3]
    assert head == [
        "serialprof 0.1.0 on workbench, 2026-01-02 10:33 UTC",
        "Example(R) Processor 8000 @ 2.70GHz, 2 usable cores, 3.41 GHz by meter, in KVM,",
        "AVX-512",
    ]


def test_block_of_a_family(text: str) -> None:
    block = text[text.index("\nlstm\n") + 1 : text.index("\nrule110\n")]
    assert block == (
        "lstm\n"
        "  lstm: up to batch 16, +10 % clock gains 1 to 9 % where doubling the cores\n"
        "  loses 3 to 12 %; from 64 on the cores win.\n"
        "  evidence    C: the clock was not swept; the clock gain is a bracket from the\n"
        "              footprint model\n"
        "\n"
        "   W     1 thread    2 threads  cores gain  +10 % clock   serial  winner\n"
        " ────────────────────────────────────────────────────────────────────────\n"
        "   1  22.4 us ±2%  24.7 us ±2%     -9 ±5 %    +1..+10 %  94 ±5 %  clock\n"
        "   4  26.6 us ±2%  26.8 us ±2%     -1 ±5 %    +1..+10 %  79 ±4 %  clock\n"
        "  16  43.4 us ±2%  35.2 us ±2%    +23 ±5 %      0..+8 %  48 ±2 %  unclear\n"
        "  64   111 us ±2%  68.8 us ±2%    +61 ±5 %      0..+5 %  19 ±1 %  cores\n"
        " 256   379 us ±2%   203 us ±2%    +87 ±5 %      0..+4 %  6 ±<1 %  cores\n"
        "\n"
        "  crossover   from 1 thread to 2: between W = 4 and 16\n"
        "  depth cost  T_serial / T_wide on 1 thread: 1.25x [1.21 - 1.29] at W = 1, 1.25x\n"
        "              [1.21 - 1.29] at W = 4, 1.25x [1.21 - 1.29] at W = 16, 1.25x [1.21\n"
        "              - 1.29] at W = 64, 1.25x [1.21 - 1.29] at W = 256\n"
        "  declared    work 2.60 G, depth 32.0 k, work/depth 81.2 k (operations of one\n"
        "              run at W = 256)\n"
        "  way round   DEER: a damped Newton solve over time\n"
        "  next step   Repeat it on a machine that lets its clock be set.\n"
    )


def frontier() -> Frontier:
    """A frontier over the widths of lstm, with every kind of answer."""
    nothing = Estimate.unknown("not needed")
    never = Sensitivity(1, 1, nothing, nothing, nothing, Estimate.unknown("no number of threads"), never=True)
    two = replace(never, width=16, equal=Estimate(2.0, 2.0, 2.0, "threads"), never=False)
    return Frontier(
        (
            never,
            replace(never, width=4),
            two,
            replace(two, width=64, equal=Estimate(None, 2.0, 3.0), siblings=True),
            replace(two, width=256, equal=Estimate(None, 4.0, None), extrapolated=True),
            replace(two, threads=2),
        ),
        (TieLine(1, 2, Estimate.bracket(4, 16, "why")),),
        (
            BestSetting("latency", 1, 1, Estimate(22.4e-6, unit="s"), ((4, 1),)),
            BestSetting("throughput", 256, 2, Estimate(1.26e6, unit="1/s")),
        ),
    )


def test_the_frontier_stands_below_the_table() -> None:
    run = made.stored_run((made.LSTM,))
    family = replace(made.family(run, made.LSTM), frontier=frontier())
    text = terminal(made.view(run, Analysis((family,))))
    start = text.index("  tie line")
    assert text[start : text.index("  depth cost")] == (
        "  tie line    from 1 thread to 2: as good as +10 % clock between W = 4 and 16\n"
        "  +10 % clock on 1 thread equals no number of threads from W = 1 to 4; 2 threads\n"
        "              at W = 16; 2 to 3 hardware threads at W = 64; 4 threads or more\n"
        "              (extrapolated) at W = 256\n"
        "  best        shortest step 22.4 us at W = 1 on 1 thread or W = 4 on 1 thread;\n"
        "              most lanes a second 1.26 M at W = 256 on 2 threads\n"
    )
    assert max(len(line) for line in text.splitlines()) <= 80


def test_threads_that_may_be_none_or_unknown_are_said_so() -> None:
    run = made.stored_run((made.LSTM,))
    first, *_ = frontier().sensitivities
    few = replace(first, equal=Estimate(None, 1.0, 2.0), never=False)
    unknown = replace(first, width=4, equal=Estimate(None, 1.0, None), never=False)
    family = replace(made.family(run, made.LSTM), frontier=Frontier((few, unknown)))
    text = " ".join(terminal(made.view(run, Analysis((family,)))).split())
    assert "on 1 thread equals at most 2 threads at W = 1; an unknown number of threads at W = 4" in text
    alone = replace(family, frontier=Frontier((unknown,)))
    assert "unknown number of threads" not in terminal(made.view(run, Analysis((alone,)))), "that is no answer"


def test_refusals_are_told_with_what_would_identify_them() -> None:
    run = made.stored_run((made.LSTM,))
    memory = Refusal("share of width memory", "no ladder was measured", "serialprof machine", ((1, 1),))
    family = replace(
        made.family(run, made.LSTM),
        refusals=(
            memory,
            replace(memory, what="share of width compute"),
            Refusal("share of serial, scaling with the clock", "it may wait", "two clocks", ((1, 1),)),
            Refusal("share of serial, not scaling", "it may wait", "two clocks", ((1, 1),)),
            Refusal("clock elasticity", "said elsewhere", "two clocks", ((1, 1),)),
            Refusal("crossover from 1 to 2 threads", "said elsewhere", "more blocks"),
            *(Refusal(f"knee on {count} threads", f"beyond {count}", "") for count in (1, 2, 4)),
        ),
    )
    text = " ".join(terminal(made.view(run, Analysis((family,)))).split())
    assert "not told width memory, width compute: no ladder was measured; told by serialprof machine not told" in text
    assert "not told what of serial scales with the clock: it may wait; told by two clocks not told" in text
    assert "not told knee on 2 threads: beyond 2 not told and 1 more, which the JSON lists" in text
    assert "said elsewhere" not in text


def test_what_spoils_the_times_is_told_whatever_else_is() -> None:
    run = made.stored_run((made.LSTM,))
    others = [Refusal(f"knee on {count} threads", f"beyond {count}", "") for count in range(9)]
    leak = Refusal("steady steps", "every step keeps 4 KiB", "free what a step allocates", ((4, 1), (1, 1), (4, 2)))
    hot = Refusal("unthrottled step time", "the device's clock was held down (heat)", "a cooler device", ((16, 1),))
    family = replace(made.family(run, made.LSTM), refusals=(*others, leak, hot))
    text = " ".join(terminal(made.view(run, Analysis((family,)))).split())
    assert (
        "warning at W = 1, 4 on 1 thread; at W = 4 on 2 threads: every step keeps 4 KiB; what helps: free what a step "
        "allocates warning at W = 16 on 1 thread: the device's clock was held down (heat); what helps: a cooler device"
    ) in text
    assert "not told steady" not in text


def test_what_is_not_told_for_two_reasons_is_told_with_its_places() -> None:
    run = made.stored_run((made.LSTM,))
    family = replace(
        made.family(run, made.LSTM),
        refusals=(
            Refusal("share of serial", "it may be weights", "", ((1, 1), (4, 1))),
            Refusal("share of width memory", "it may be weights", "", ((1, 1), (4, 1))),
            Refusal("share of serial", "launch is in here", "", ((16, 2),)),
        ),
    )
    text = " ".join(terminal(made.view(run, Analysis((family,)))).split())
    assert "not told serial (at W = 1, 4 on 1 thread), width memory: it may be weights" in text
    assert "not told serial (at W = 16 on 2 threads): launch is in here" in text


@pytest.mark.parametrize(
    ("remedy", "told"),
    [
        ("at least 4 batches, for example --width 1,4,16,64", "told by --width 1,4,32,128 "),
        ("batches up to 2 Ki and more", "told by more memory, which ends at W = 256"),
        ("smaller widths", "told by smaller widths"),
    ],
)
def test_no_width_is_advised_for_which_memory_did_not_suffice(remedy: str, told: str) -> None:
    run = made.stored_run((made.LSTM,))
    family = made.family(run, made.LSTM)
    ended = tuple(
        replace(item, ended="out of memory") if item.point.setting.width == 256 else item for item in family.points
    )
    refusal = Refusal("knee on 1 thread", "unknown", remedy)
    text = terminal(made.view(run, Analysis((replace(family, points=ended, refusals=(refusal,)),))))
    assert told in " ".join(text.split())


def test_contradictions_are_told_in_full() -> None:
    run = made.stored_run((made.LSTM,))
    item = Contradiction("bytes", 4, 1, "At W = 4 on 1 thread it cannot be.", "look again")
    family = replace(made.family(run, made.LSTM), contradictions=(item,))
    assert "  contradicts At W = 4 on 1 thread it cannot be.\n" in terminal(made.view(run, Analysis((family,))))


def test_failed_points_and_disturbed_samples_come_last(text: str) -> None:
    assert text.endswith(
        "948 samples, 79 of them disturbed and left out; run 0123456789abcdef is complete\n"
        "1 point failed:\n"
        "  lstm, W = 256, 2 threads, wide: the worker was killed by signal 9 (out of\n"
        "  memory?)\n"
    )


def test_unknown_numbers_are_dashes_with_the_reason_below() -> None:
    run = made.stored_run((made.LSTM,), all_fail=True)
    text = terminal(made.view(run, Analysis((made.unknown_family(run, made.LSTM, "every point failed"),))))
    row = next(line for line in text.splitlines() if line.startswith((" 1  ", "  1  ")))
    assert row.split() == ["1", "-", "-", "-", "-", "-", "unclear"]
    assert "no fit      every point failed" in text
    told = terminal(made.view(run, Analysis((made.unknown_family(run, made.LSTM, "no fit: it needs 4 widths"),))))
    assert "no fit      it needs 4 widths" in told
    assert "depth cost  unknown: every point failed" in text
    assert "way round   none known" in text
    assert "20 points failed:" in text
    assert "None" not in text


def test_one_thread_alone_shows_step_times() -> None:
    run = made.stored_run((made.LSTM,), thread_counts=(1,))
    text = terminal(made.view(run, made.analysis(run, (made.LSTM,))))
    assert "22.4 us ±2%" in text
    assert "cores gain" not in text


def test_each_pair_of_thread_counts_has_a_table() -> None:
    run = made.stored_run((made.LSTM,), thread_counts=(1, 2, 4))
    text = terminal(made.view(run, made.analysis(run, (made.LSTM,))))
    heads = [line.split()[1:5] for line in text.splitlines() if "cores gain" in line]
    assert heads == [["1", "thread", "2", "threads"], ["2", "threads", "4", "threads"]]


def test_empty_analysis_says_so() -> None:
    run = replace(made.stored_run((made.LSTM,)), visits=())
    assert "no point was measured" in terminal(made.view(run, Analysis(())))


def test_text_of_the_run_is_neither_markup_nor_escape_sequence() -> None:
    run = made.stored_run((made.LSTM,), host="\x1b[31mred[/]")
    lines = terminal(made.view(run, Analysis(()))).splitlines()
    assert lines[0].startswith("serialprof 0.1.0 on \N{REPLACEMENT CHARACTER}[31mred[/],")


@pytest.mark.parametrize("width", [40, 60, 120])
def test_no_line_exceeds_the_width(width: int) -> None:
    run = made.stored_run(host="h" * 300)
    family = made.family(run, made.RULE110)
    family = replace(family, verdict=replace(family.verdict, sentence="w" * 500, hatch="h" * 500))
    text = terminal(made.view(run, Analysis((family,))), width=width)
    assert max(len(line) for line in text.splitlines()) <= width


def test_lopsided_interval_is_shown_by_its_ends() -> None:
    run = made.stored_run((made.LSTM,))
    family = made.family(run, made.LSTM)
    item = replace(
        family.tradeoffs[0],
        winner="neither",
        cores_gain=Estimate(0.9, 0.0, 1.0),
        clock_gain=Estimate.bracket(0.101, 0.104, "narrow"),
    )
    text = terminal(made.view(run, Analysis((replace(family, tradeoffs=(item,)),))))
    row = next(line for line in text.splitlines() if line.endswith("neither"))
    assert row.split()[7:11] == ["0..+100", "%", "+10", "%"]


def test_threads_that_surely_lose_are_no_unclear_case() -> None:
    run = made.stored_run((made.LSTM,))
    family = made.family(run, made.LSTM)
    item = replace(
        family.tradeoffs[0],
        winner="unknown",
        futile="lose",
        cores_gain=Estimate(-0.4, -0.5, -0.3),
        clock_gain=Estimate.bracket(0.0, 0.1, "bare"),
    )
    family = replace(family, tradeoffs=(item,))
    text = terminal(made.view(run, Analysis((family,))))
    assert any(line.endswith("no gain") for line in text.splitlines())
    assert "\nno gain: more threads lose, stay idle or gain below 2 %; clock may gain none\n" in text
    assert max(len(line) for line in text.splitlines()) <= 80
    withheld = replace(family, tradeoffs=(replace(item, futile=None),))
    assert "no gain" not in terminal(made.view(run, Analysis((withheld,))))


def test_colour_only_when_asked() -> None:
    run = made.stored_run((made.LSTM,))
    assert "\x1b[" in terminal(made.view(run, made.analysis(run, (made.LSTM,))), color=True)


def test_winner_and_bracket_ends() -> None:
    run = made.stored_run((made.LSTM,))
    family = made.family(run, made.LSTM)
    item = replace(
        family.tradeoffs[0],
        winner="neither",
        cores_gain=Estimate(None, 0.02, None),
        clock_gain=Estimate(None, None, 0.04),
    )
    text = terminal(made.view(run, Analysis((replace(family, tradeoffs=(item,)),))))
    row = next(line for line in text.splitlines() if line.endswith("neither"))
    assert row.split()[7:] == [">=+2", "%", "<=+4", "%", "94", "±5", "%", "neither"]


def test_importing_the_terminal_loads_no_plotting() -> None:
    code = (
        "import sys, serialprof_reports.terminal, serialprof_reports.tables;"
        "assert not {'matplotlib', 'jinja2', 'rich', 'pandas'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
