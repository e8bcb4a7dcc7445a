# SPDX-License-Identifier: Apache-2.0
"""life: Conway's game on a torus, from a random soup; one step is one generation.

golly and lifelib run the same soup in the open plane, which is what they are made for; they are compared with our
kernel on a torus so large that the soup does not reach round it.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.kernels_tools.core import Case, Core, Job, Missing, Ready, require_same
from serialprof import _native
from serialprof_workloads.life import shape

STEPS: Final = 64
WORD: Final = 64
PLANE: Final = "the open plane instead of a torus"
#: Cells above which the text of a pattern takes longer to read than the benchmark has time.
TEXT: Final = 2**22


def kernel_of(job: Job) -> Any:
    """Our kernel."""
    return _native.Life(_native.Team(job.cpus), *shape(job.width), job.setting.seed)


def words_of(kernel: Any, job: Job) -> NDArray[np.uint64]:
    """Its grid [rows, words]: the cell in column j is bit j % 64 of word j // 64."""
    return np.frombuffer(kernel.grid(), dtype="<u8").reshape(shape(job.width)[0], -1)


def cells_of(kernel: Any, job: Job) -> NDArray[np.uint8]:
    """Its grid [rows, columns], a byte per cell."""
    bits = np.unpackbits(np.frombuffer(kernel.grid(), np.uint8), bitorder="little")
    return bits.reshape(shape(job.width))


def ours(job: Job) -> Ready:
    """The native kernel."""
    kernel = kernel_of(job)
    return Ready(lambda: kernel.run(job.steps), lambda: words_of(kernel, job))


def numba(job: Job) -> Ready:
    """A loop over packed words with bit-sliced sums; several threads share every generation."""
    import numba as library

    from benchmarks.kernels_tools.packed_loops import life_of

    library.set_num_threads(job.threads)
    generations = life_of(parallel=job.threads > 1)
    start = words_of(kernel_of(job), job)
    grids = [start.copy(), start.copy()]

    def run() -> None:
        grids[0][:] = start
        generations(grids[0], grids[1], job.steps)

    return Ready(run, lambda: grids[job.steps % 2])


def run_length(cells: NDArray[np.uint8]) -> str:
    """A pattern in the text form of golly, rows written out cell by cell."""
    letters = np.where(cells, np.uint8(ord("o")), np.uint8(ord("b")))
    rows = "$\n".join(row.tobytes().decode() for row in letters)
    return f"x = {cells.shape[1]}, y = {cells.shape[0]}, rule = B3/S23\n{rows}!\n"


def alive(text: str) -> NDArray[np.int64]:
    """Rows and columns of the live cells of a pattern in that form, from the corner of the pattern on."""
    body = text[text.index("x = ") :].partition("\n")[2]
    row, column, count, found = 0, 0, 0, []
    for letter in body:
        if letter.isdigit():
            count = 10 * count + int(letter)
            continue
        times, count = max(1, count), 0
        if letter == "o":
            found += [(row, column + i) for i in range(times)]
        if letter in "ob":
            column += times
        elif letter == "$":
            row, column = row + times, 0
        elif letter == "!":
            break
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def require_same_plane(job: Job, theirs: NDArray[np.int64]) -> None:
    """Compares live cells [cells, 2] with those of our kernel on a torus too large for the soup to feel it.

    Raises:
        Missing: they differ by more than their place.
    """
    soup = cells_of(kernel_of(job), job)
    wide = np.pad(soup, ((job.steps, job.steps), (WORD * -(-job.steps // WORD),) * 2))
    kernel = _native.Life(_native.Team(job.cpus[:1]), *wide.shape)
    kernel.set_grid(np.packbits(wide, bitorder="little").tobytes())
    kernel.run(job.steps)
    made = np.unpackbits(np.frombuffer(kernel.grid(), np.uint8), bitorder="little").reshape(wide.shape)
    require_same(_at_corner(np.argwhere(made)), _at_corner(theirs))


def _at_corner(cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """Cells in the order of rows, moved so that the least row and column are 0."""
    moved = cells - cells.min(axis=0, initial=2**31)
    return moved[np.lexsort(moved.T[::-1])]


def bgolly(job: Job) -> Ready:
    """QuickLife of golly by its command line; seconds by its own clock, from the loaded pattern to the end."""
    if shutil.which("bgolly") is None:
        raise Missing("bgolly is not installed (Debian's package golly)")
    _small_enough(job)
    pattern, made = job.folder / "soup.rle", job.folder / "made.rle"
    pattern.write_text(run_length(cells_of(kernel_of(job), job)))
    steps = str(job.steps)
    command = ["bgolly", "-b", "-a", "QuickLife", "-m", steps, "-i", steps]
    subprocess.run([*command, "-o", made, pattern], check=True, capture_output=True)
    require_same_plane(job, alive(made.read_text()))

    def run() -> float:
        told = subprocess.run([*command, pattern], check=True, capture_output=True, text=True).stdout
        return seconds_of(told, job.steps)

    return Ready(run, None, f"one thread, {PLANE}")


def seconds_of(told: str, generations: int) -> float:
    """Seconds between generation 0 and the last one, in what bgolly says of its progress."""
    lines = [line.split() for line in told.splitlines() if line[:1].isdigit()]
    places = [index for index, line in enumerate(lines) if line[1:] == [f"{generations:,}"]]
    return float(lines[places[0]][0]) - float(lines[places[0] - 1][0])


def lifelib(job: Job) -> Ready:
    """HashLife of lifelib; in a new, empty memory every time, for it remembers what it has seen."""
    import lifelib as library

    _small_enough(job)
    if shutil.which("g++") is None:
        raise Missing("lifelib compiles rules with g++, which is not installed")
    session = library.load_rules("b3s23")
    path = job.folder / "soup.rle"
    path.write_text(run_length(cells_of(kernel_of(job), job)))

    def fresh() -> Any:
        return session.lifetree(memory=1000).load(str(path))

    coordinates = fresh().advance(job.steps).coords()
    require_same_plane(job, np.asarray(coordinates)[:, ::-1])

    def run() -> float:
        pattern = fresh()
        begun = time.perf_counter()
        pattern.advance(job.steps)
        return time.perf_counter() - begun

    return Ready(run, None, f"one thread, {PLANE}")


def _small_enough(job: Job) -> None:
    if job.width > TEXT:
        raise Missing(f"its pattern of {job.width} cells is text, which takes longer to read than there is time")


CORES = (
    Core(
        "life",
        (
            Case("512 x 512, in cache", 2**18, STEPS, share=0.45, ratio={1: 8, 2: 5}),
            Case("2048 x 2048, in cache", 2**22, STEPS, share=0.45, ratio={1: 8, 2: 5}),
            Case("8192 x 8192", 2**26, 16),
            Case("16384 x 16384, in memory", 2**28, 8, ratio={1: 3, 2: 2}),
        ),
        ours,
        {"numba": numba, "bgolly": bgolly, "lifelib": lifelib},
    ),
)
