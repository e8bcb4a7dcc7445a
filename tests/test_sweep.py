# SPDX-License-Identifier: Apache-2.0
"""The settings of a sweep: what is drawn from a request, and what is refused."""

from dataclasses import replace

import pytest

from serialprof.catalog import Affine, Description
from serialprof.errors import UsageError
from serialprof.planning import Point, Request
from serialprof.setting import Setting
from serialprof.sweep import check_parameters, check_size, fits, settings_of, thread_counts
from tests import made


@pytest.mark.parametrize(
    ("cpus", "quota", "quick", "counts"),
    [
        ((0,), None, False, (1,)),
        ((0, 1), None, False, (1, 2)),
        (range(6), None, False, (1, 2, 4, 6)),
        (range(16), None, True, (1, 2, 16)),
        (range(16), 2.5, False, (1, 2)),
        ((0,), None, True, (1,)),
    ],
)
def test_default_thread_counts(cpus: range, quota: float | None, quick: bool, counts: tuple[int, ...]) -> None:
    assert thread_counts(Request(quick=quick), made.machine(tuple(cpus), quota)) == counts


def test_more_threads_than_usable_cores_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--threads 3.*2 cores"):
        thread_counts(Request(threads=(1, 3)), made.machine())


def test_settings_cover_the_sweep_and_pin_threads() -> None:
    description = made.description(forms=("serial", "wide"))
    settings = settings_of(Request(), description, made.machine(cpus=(4, 6)))
    assert len(settings) == 4 * 2 * 2
    assert {setting.cpus for setting in settings} == {(4,), (4, 6)}
    assert {setting.mode for setting in settings} == {"native"}
    assert {setting.depth for setting in settings} == {description.depth}
    assert {setting.depth for setting in settings_of(Request(depth=77), description, made.machine())} == {77}


@pytest.mark.parametrize(
    ("asked", "depths"), [(None, [25, 100]), (40, [10, 40]), (7, [1, 7]), (3, [1, 3]), (2, [1, 2])]
)
def test_a_start_up_is_sampled_at_two_depths(asked: int | None, depths: list[int]) -> None:
    description = replace(made.description(), startup=True, depth=100)
    settings = settings_of(Request(depth=asked, threads=(1,), widths=(1, 4)), description, made.machine())
    assert [(setting.width, setting.depth) for setting in settings] == [(w, d) for w in (1, 4) for d in depths]


def test_one_depth_cannot_be_differenced() -> None:
    description = replace(made.description(), startup=True)
    with pytest.raises(
        UsageError, match=r"--depth 1: the start-up of toy is taken off by differencing over depth; ask"
    ):
        settings_of(Request(depth=1), description, made.machine())
    assert settings_of(Request(depth=1, threads=(1,), widths=(3,)), made.description(), made.machine())[0].depth == 1


def test_the_shorter_depth_belongs_to_the_same_fit() -> None:
    description = replace(made.description(), startup=True)
    settings = settings_of(Request(threads=(1,), widths=(1,)), description, made.machine())
    assert len({Point(number, "toy", setting).family for number, setting in enumerate(settings)}) == 1


def test_too_few_cores_give_no_settings() -> None:
    description = replace(made.description(), min_threads=2)
    assert settings_of(Request(), description, made.machine(cpus=(0,))) == []
    assert {setting.threads for setting in settings_of(Request(), description, made.machine())} == {2}


def test_parameters_are_checked() -> None:
    description, machine = made.description(), made.machine()
    assert settings_of(Request(parameters={"hidden": 16}), description, machine)[0].parameters["hidden"] == 16
    with pytest.raises(UsageError, match=r"toy has no parameter 'hiden'; known parameters: hidden, kind"):
        check_parameters(Request(parameters={"hiden": 16}), [description])
    with pytest.raises(UsageError, match="takes a value like 8"):
        check_parameters(Request(parameters={"hidden": "big"}), [description])
    with pytest.raises(UsageError, match="no mode 'graph'"):
        settings_of(Request(modes=("graph",)), description, machine)


def test_memory_is_checked_before_anything_is_built() -> None:
    point = made.points(widths=(10**12,))[0]
    with pytest.raises(UsageError, match=r"toy at width 1000000000000 would touch 58.2 TiB"):
        check_size(point, made.machine())
    assert point.work is not None
    small = replace(point, work=replace(point.work, flops=Affine(), footprint=Affine(1.0)))
    check_size(small, made.machine())
    check_size(replace(point, work=None), made.machine())


def test_work_that_would_take_hours_is_refused() -> None:
    point = replace(made.points(widths=(10**6,))[0], work=replace(made.WORK, flops=Affine(0, 1e7), footprint=Affine()))
    with pytest.raises(UsageError, match=r"width 1000000 and depth 10 declares 1.0e\+14 operations a run"):
        check_size(point, made.machine())


def test_a_parameter_goes_to_the_workloads_that_have_it() -> None:
    plain = replace(made.description("plain"), parameters={})
    request = Request(parameters={"hidden": 16})
    check_parameters(request, [plain, made.description()])
    assert settings_of(request, plain, made.machine())[0].parameters == {}


def test_ten_million_points_are_refused_before_they_are_made() -> None:
    # Settings of ten million points take gigabytes and minutes: only a count that comes first gets here at all.
    request = Request(widths=(1,) * 10**7, threads=(1,))
    with pytest.raises(
        UsageError, match=r"the sweep has 10000000 points; shorten --width or --threads to 10000 at most"
    ):
        settings_of(request, made.description(), made.machine())


def test_every_knob_counts_towards_the_points() -> None:
    request = Request(widths=tuple(range(1, 626)), threads=(1, 2), modes=("native", "eager"))
    description = replace(made.description(forms=("serial", "wide")), startup=True)
    assert len(settings_of(request, description, made.machine())) == 625 * 2**4 == 10_000
    with pytest.raises(UsageError, match="the sweep has 10016 points"):
        settings_of(replace(request, widths=tuple(range(1, 627))), description, made.machine())


def torch_like() -> Description:
    """A workload for both kinds of devices."""
    facts = {"modes": ("eager", "compile", "graph"), "devices": ("cpu", "cuda"), "dtypes": ("fp32", "bf16")}
    return replace(made.description(), **facts)  # type: ignore[arg-type]


def drawn(**knobs: object) -> list[Setting]:
    return settings_of(Request(**knobs), torch_like(), made.machine())  # type: ignore[arg-type]


def test_a_cuda_device_is_driven_by_one_thread_eagerly_and_by_graphs() -> None:
    settings = drawn(device="cuda:1")
    assert {(each.device, each.threads, each.cpus, each.dtype) for each in settings} == {("cuda:1", 1, (0,), "fp32")}
    assert [each.mode for each in settings] == ["eager"] * 4 + ["graph"] * 4
    only = replace(torch_like(), modes=("compile", "eager"))
    assert {each.mode for each in settings_of(Request(device="cuda"), only, made.machine())} == {"compile"}


def test_on_the_cpu_nothing_changes() -> None:
    settings = drawn()
    assert {(each.device, each.mode, each.threads) for each in settings} == {("cpu", "eager", 1), ("cpu", "eager", 2)}


def test_element_types_are_swept() -> None:
    settings = drawn(dtypes=("bf16", "fp32", "bf16"), modes=("eager", "compile", "eager"), widths=(1, 8), threads=(2,))
    assert [(each.mode, each.dtype, each.width) for each in settings] == [
        (mode, dtype, width) for mode in ("eager", "compile") for dtype in ("bf16", "fp32") for width in (1, 8)
    ]
    families = {Point(number, "toy", each).family for number, each in enumerate(settings)}
    assert len(families) == 4


@pytest.mark.parametrize(
    ("knobs", "complaint"),
    [
        ({"device": "cuda"}, "toy does not run on device cuda:0; it runs on cpu"),
        ({"modes": ("graph",)}, "toy has no mode 'graph'; choose from native, eager"),
        ({"dtypes": ("bf16",)}, "toy has no element type bf16; it offers fp32"),
    ],
)
def test_what_a_workload_does_not_offer_is_refused_with_what_it_does(knobs: dict[str, object], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        settings_of(Request(**knobs), made.description(), made.machine())  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["graph", "fused"])
def test_modes_of_cuda_alone_are_refused_on_the_cpu(mode: str) -> None:
    description = replace(torch_like(), modes=("eager", mode))
    with pytest.raises(UsageError, match=f"mode {mode} needs a CUDA device; add --device cuda"):
        settings_of(Request(modes=(mode,)), description, made.machine())
    assert settings_of(Request(modes=(mode,), device="cuda"), description, made.machine())


def test_the_memory_of_a_cuda_device_is_no_matter_of_the_host() -> None:
    work = replace(made.WORK, flops=Affine(), footprint=Affine(0, 1e6))
    host = Point(0, "toy", Setting(width=10**5), work)
    device = replace(host, setting=replace(host.setting, device="cuda:0"))
    assert not fits(host, made.machine())
    assert fits(device, made.machine())
    heavy = replace(device, work=replace(work, flops=Affine(0, 1e9), serial_ops=1))
    assert fits(heavy, made.machine()), "1e14 operations are seconds of a GPU"
    assert not fits(replace(heavy, setting=replace(heavy.setting, depth=100)), made.machine())
