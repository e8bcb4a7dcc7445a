# SPDX-License-Identifier: Apache-2.0
"""NVIDIA's management library by ctypes: no more of it than reading clocks, and locking those of the core, take.

The standard library alone, so that the process that gives clocks back needs nothing that is installed. Signatures and
constants: NVIDIA, NVML API Reference Guide, and nvml.h. Clocks are in MHz here, as NVML has them, and in Hz elsewhere.
"""

from __future__ import annotations

import ctypes
from ctypes import byref, c_char_p, c_int, c_uint, c_ulonglong, c_void_p
from types import TracebackType
from typing import Final, Self

LIBRARY: Final = "libnvidia-ml.so.1"

NOT_SUPPORTED: Final = 3
NO_PERMISSION: Final = 4
_INSUFFICIENT_SIZE: Final = 7
_NO_FUNCTION: Final = 13

SM: Final = 1  # NVML_CLOCK_SM and NVML_CLOCK_MEM of nvmlClockType_t
MEMORY: Final = 2
_CORE_SENSOR: Final = 0  # NVML_TEMPERATURE_GPU
_NAME_BYTES: Final = 96  # NVML_DEVICE_NAME_V2_BUFFER_SIZE and NVML_DEVICE_UUID_V2_BUFFER_SIZE


class NvmlError(Exception):
    """NVML refuses.

    Args:
        code: an nvmlReturn_t, such as NO_PERMISSION.
        message: NVML's own words for it.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Nvml:
    """The library, initialised for as long as a `with` block lasts.

    Args:
        library: its file; another one for tests.

    Raises:
        OSError: there is none on this machine.
        NvmlError: on entering: there is no driver, or no GPU.
    """

    def __init__(self, library: str = LIBRARY) -> None:
        self._library = ctypes.CDLL(library)

    def __enter__(self) -> Self:
        self._call("nvmlInit_v2")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._function("nvmlShutdown")()

    def count(self) -> int:
        """How many GPUs there are."""
        count = c_uint()
        self._call("nvmlDeviceGetCount_v2", byref(count))
        return count.value

    def name(self, index: int) -> str:
        """The GPU's product name."""
        return self._text("nvmlDeviceGetName", index)

    def uuid(self, index: int) -> str:
        """What tells the GPU from all others, whatever order they are counted in: "GPU-" and 32 hexadecimal digits."""
        return self._text("nvmlDeviceGetUUID", index)

    def clock(self, index: int, kind: int) -> int:
        """The present clock of a kind, `SM` or `MEMORY`, in MHz."""
        return self._number("nvmlDeviceGetClockInfo", index, c_int(kind))

    def milliwatts(self, index: int) -> int:
        """The power that it draws."""
        return self._number("nvmlDeviceGetPowerUsage", index)

    def temperature(self, index: int) -> int:
        """Degrees Celsius of the GPU's die."""
        return self._number("nvmlDeviceGetTemperature", index, c_int(_CORE_SENSOR))

    def event_reasons(self, index: int) -> int:
        """Why the clock is what it is, a mask of bits; drivers before 535 call them throttle reasons."""
        mask = c_ulonglong()
        try:
            self._call("nvmlDeviceGetCurrentClocksEventReasons", self._device(index), byref(mask))
        except NvmlError as error:
            if error.code != _NO_FUNCTION:
                raise
            self._call("nvmlDeviceGetCurrentClocksThrottleReasons", self._device(index), byref(mask))
        return mask.value

    def clocks(self, index: int) -> tuple[int, ...]:
        """What the core's clock can be locked to, in MHz, ascending: those beside the highest memory clock."""
        memory = max(self._list("nvmlDeviceGetSupportedMemoryClocks", index), default=0)
        return tuple(sorted(self._list("nvmlDeviceGetSupportedGraphicsClocks", index, c_uint(memory))))

    def lock(self, index: int, megahertz: int) -> None:
        """Locks the core's clock, until it is reset or the driver is unloaded."""
        device = self._device(index)
        self._call("nvmlDeviceSetGpuLockedClocks", device, c_uint(megahertz), c_uint(megahertz))

    def reset(self, index: int) -> None:
        """Ends a lock of the core's clock, whoever set it. Applications clocks stay as they are."""
        self._call("nvmlDeviceResetGpuLockedClocks", self._device(index))

    def _device(self, index: int) -> c_void_p:
        handle = c_void_p()
        self._call("nvmlDeviceGetHandleByIndex_v2", c_uint(index), byref(handle))
        return handle

    def _number(self, name: str, index: int, *arguments: object) -> int:
        number = c_uint()
        self._call(name, self._device(index), *arguments, byref(number))
        return number.value

    def _text(self, name: str, index: int) -> str:
        text = ctypes.create_string_buffer(_NAME_BYTES)
        self._call(name, self._device(index), text, c_uint(_NAME_BYTES))
        return text.value.decode(errors="replace")

    def _list(self, name: str, index: int, *arguments: object) -> list[int]:
        """A list of numbers, whose length is asked for first."""
        device, count = self._device(index), c_uint(0)
        try:
            self._call(name, device, *arguments, byref(count), None)
        except NvmlError as error:
            if error.code != _INSUFFICIENT_SIZE:
                raise
        numbers = (c_uint * count.value)()
        if count.value:
            self._call(name, device, *arguments, byref(count), numbers)
        return list(numbers)[: count.value]

    def _call(self, name: str, *arguments: object) -> None:
        code = self._function(name)(*arguments)
        if code:
            raise NvmlError(code, self._words(code))

    def _function(self, name: str) -> ctypes._NamedFuncPointer:
        try:
            return self._library[name]
        except AttributeError as error:
            raise NvmlError(_NO_FUNCTION, f"this driver has no {name}") from error

    def _words(self, code: int) -> str:
        function = self._function("nvmlErrorString")
        function.restype = c_char_p
        text: bytes | None = function(c_int(code))
        return text.decode(errors="replace") if text else f"NVML error {code}"
