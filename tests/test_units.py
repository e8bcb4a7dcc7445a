# SPDX-License-Identifier: Apache-2.0
import pytest

from serialprof.errors import UsageError
from serialprof.units import (
    format_bytes,
    format_count,
    format_json,
    format_percent,
    format_seconds,
    format_si,
    parse_counts,
    parse_duration,
    parse_percent,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.5e-6, "1.50 us"),
        (0.0, "0 s"),
        (999.9996e-9, "1.00 us"),
        (12.34e-3, "12.3 ms"),
        (-2e-9, "-2.00 ns"),
        (123456.0, "123 ks"),
        (3e-14, "0.0300 ps"),
    ],
)
def test_si_prefixes_keep_three_digits(value: float, text: str) -> None:
    assert format_si(value, "s") == text


def test_long_durations_are_minutes() -> None:
    assert format_seconds(125.4) == "2 min 05 s"
    assert format_seconds(99.0) == "99.0 s"


def test_bytes_counts_and_shares() -> None:
    assert format_bytes(16 << 20) == "16 MiB"
    assert format_bytes(100) == "100 B"
    assert format_bytes(1010 << 10) == "1010 KiB"
    assert format_bytes(999.4 * 1024) == "999 KiB"
    assert format_count(65536) == "64 Ki"
    assert format_count(1000) == "1000"
    assert format_percent(0.314) == "31 %"


def test_counts_are_sorted_without_duplicates() -> None:
    assert parse_counts("64, 1,4Ki,4,4", "width") == (1, 4, 64, 4096)


@pytest.mark.parametrize("text", ["0", "", "1,,2", "-4", "1.5", "x", "9999Gi,99999999999999999999", "1e6"])
def test_counts_that_are_none_name_the_option(text: str) -> None:
    with pytest.raises(UsageError, match="width"):
        parse_counts(text, "width")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90.0), ("2m", 120.0), ("1.5h", 5400.0), ("30", 30.0), ("5ms", 0.005)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["-1s", "0", "fast", "nan", "1e9h", "1.2.3s", "99999999h"])
def test_durations_that_are_none(text: str) -> None:
    with pytest.raises(UsageError):
        parse_duration(text)


def test_percent() -> None:
    assert parse_percent("2%") == 0.02
    assert parse_percent("0.05") == 0.05
    for text in ("0%", "100%", "-3%", "two", "1.0.0"):
        with pytest.raises(UsageError):
            parse_percent(text)
    assert parse_percent("250%", most=1000) == 2.5
    with pytest.raises(UsageError):
        parse_percent("8", most=1000)  # 8 % without its sign


def test_json_is_indented_and_says_null_where_a_number_is_not_finite() -> None:
    assert format_json({"a": [1.5, float("nan")]}, indent=1) == '{\n "a": [\n  1.5,\n  null\n ]\n}'
