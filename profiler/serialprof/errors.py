# SPDX-License-Identifier: Apache-2.0
"""Errors that a user sees: one sentence that names the value, one remedy, one exit code."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command line (docs/architecture.md)."""

    OK = 0
    REGRESSION = 1
    USAGE = 2
    CANNOT_MEASURE = 3
    NO_BASELINE = 4
    INTERRUPTED = 130


class SerialprofError(Exception):
    """A mistake in what was asked, or something that broke: exit code 2.

    Args:
        message: what is wrong and where, naming the value.
        remedy: what the user can do about it.
    """

    exit_code = ExitCode.USAGE

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}" if self.remedy else self.message

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it: the sentence, which no frame of this package would explain better."""
        return [f"{type(self).__name__}: {self}"]


class UsageError(SerialprofError):
    """An option or argument that cannot be carried out."""


class StoreError(SerialprofError):
    """A run file that cannot be read or written."""


class WorkloadError(SerialprofError):
    """A workload that cannot be found, loaded or built.

    Args:
        message, remedy: as of every error.
        trace: the part of Python's traceback that is the workload's own, printed below the sentence.
    """

    def __init__(self, message: str, remedy: str = "", trace: str = "") -> None:
        super().__init__(message, remedy)
        self.trace = trace

    def __str__(self) -> str:
        return f"{super().__str__()}\n{self.trace}" if self.trace else super().__str__()


class CannotMeasureError(SerialprofError):
    """This machine does not give what was asked for: exit code 3, before anything is sampled."""

    exit_code = ExitCode.CANNOT_MEASURE


class InterruptedRunError(SerialprofError):
    """Ctrl-C: what was measured is kept; exit code 130."""

    exit_code = ExitCode.INTERRUPTED


class HeadError(UsageError):
    """What is to be compared cannot be had: it is not there, or does not build."""


class BaselineError(SerialprofError):
    """What is to be compared with cannot be had: exit code 4."""

    exit_code = ExitCode.NO_BASELINE
