# SPDX-License-Identifier: Apache-2.0
"""Base units inside, formatting at the edge: what people read and what they type."""

from __future__ import annotations

import math
import re
from typing import Final

from serialprof.errors import UsageError

_SI: Final = (
    (1e12, "T"),
    (1e9, "G"),
    (1e6, "M"),
    (1e3, "k"),
    (1.0, ""),
    (1e-3, "m"),
    (1e-6, "u"),
    (1e-9, "n"),
    (1e-12, "p"),
)
_DURATIONS: Final = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_BINARY: Final = {"": 1, "k": 1000, "Ki": 1024, "M": 1000**2, "Mi": 1024**2, "G": 1000**3, "Gi": 1024**3}


def format_json(document: object, indent: int = 2) -> str:
    """Records, dictionaries and lists as JSON for files and pipes, without a newline at the end."""
    import msgspec  # lazily: the command line's --help must not pay for it

    return msgspec.json.format(msgspec.json.encode(document), indent=indent).decode()


def format_si(value: float, unit: str, digits: int = 3) -> str:
    """A value with an SI prefix: format_si(1.5e-6, "s") is "1.50 us"."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}".rstrip()
    value = float(f"{value:.{digits - 1}e}")  # rounded before the prefix is chosen: 999.9996 is 1.00 of the next
    factor, prefix = next((step for step in _SI if abs(value) >= step[0] * (1 - 1e-12)), _SI[-1])
    return f"{_significant(value / factor, digits)} {prefix}{unit}".rstrip()


def format_seconds(seconds: float) -> str:
    """Seconds with a fitting prefix; minutes from 100 s on."""
    if seconds >= 100:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest:02d} s"
    return format_si(seconds, "s")


def format_bytes(count: float) -> str:
    """Bytes in powers of 1024: format_bytes(16777216) is "16 MiB"."""
    for factor, prefix in ((1024**4, "Ti"), (1024**3, "Gi"), (1024**2, "Mi"), (1024, "Ki")):
        if count >= factor:
            value = count / factor
            return f"{value:.0f} {prefix}B" if value >= 999.5 else f"{value:.3g} {prefix}B"  # no 1.01e+03
    return f"{count:.0f} B"


def format_count(count: float) -> str:
    """A whole number, short where it is a round power of two: 65536 is "64 Ki"."""
    for factor, prefix in ((1024**3, "Gi"), (1024**2, "Mi"), (1024, "Ki")):
        if factor <= count < 10_000 * factor and count % factor == 0:
            return f"{count / factor:g} {prefix}"
    return f"{count:.0f}" if count == round(count) else f"{count:g}"


def format_percent(share: float, digits: int = 0) -> str:
    """A share as a percentage: format_percent(0.314) is "31 %"."""
    return f"{share * 100:.{digits}f} %"


def parse_duration(text: str) -> float:
    """Seconds from "90s", "2m", "1.5h", "20ns" or "90".

    Raises:
        UsageError: it is no positive duration.
    """
    match = re.fullmatch(r"\s*([0-9.]+)\s*(ns|us|ms|s|min|m|h|)\s*", text)
    try:
        seconds = float(match[1]) * _DURATIONS[match[2]] if match else math.nan
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and 0 < seconds <= 7 * 86400):
        raise UsageError(f"{text!r} is no duration between 0 and 7 days", "write it like 90s, 2m or 1h")
    return seconds


def parse_percent(text: str, most: float = 1.0) -> float:
    """A share from "2%" or "0.02".

    Args:
        text: the share.
        most: that one in percent has to lie below, 1 for 100 %; one without the sign has to lie below 1.

    Raises:
        UsageError: it does not lie between 0 and that.
    """
    match = re.fullmatch(r"\s*([0-9.]+)\s*(%?)\s*", text)
    try:
        share = float(match[1]) / (100 if match[2] else 1) if match else math.nan
    except ValueError:
        share = math.nan
    if not (math.isfinite(share) and 0 < share < (most if match and match[2] else 1)):
        raise UsageError(f"{text!r} is no share between 0 and {100 * most:g} %", "write it like 2% or 0.02")
    return share


def parse_counts(text: str, what: str) -> tuple[int, ...]:
    """Whole numbers from "1,4,64Ki", each at least 1, duplicates dropped, ascending.

    Args:
        text: the list.
        what: what is counted, for the message: "width".

    Raises:
        UsageError: an entry is no whole number from 1 to 2**62.
    """
    counts = set()
    for entry in text.split(","):
        match = re.fullmatch(r"\s*([0-9]+)\s*(|k|Ki|M|Mi|G|Gi)\s*", entry)
        count = int(match[1]) * _BINARY[match[2]] if match else 0
        if not 1 <= count <= 2**62:
            raise UsageError(f"{what} {entry.strip()!r} is no whole number from 1 on", f"write --{what} 1,4,16,64Ki")
        counts.add(count)
    return tuple(sorted(counts))


def parse_words(text: str, option: str) -> tuple[str, ...]:
    """The words of "eager,graph" in their order, each once: a mode that is named twice would be measured twice.

    Args:
        text: the list.
        option: whose it is, for the message: "mode".

    Raises:
        UsageError: a word is empty.
    """
    words = tuple(word.strip() for word in text.split(","))
    if not all(words):
        raise UsageError(f"--{option} {text!r} holds an empty word", "separate words by single commas")
    return tuple(dict.fromkeys(words))


def _significant(value: float, digits: int) -> str:
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value)) + 1e-9))
    return f"{value:.{decimals}f}"
