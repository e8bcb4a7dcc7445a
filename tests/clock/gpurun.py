# SPDX-License-Identifier: Apache-2.0
"""A run that holds GPU clocks for ever, for tests to kill: python gpurun.py LIBRARY FOLDER."""

import signal
import sys
import time
from pathlib import Path

from serialprof.clock.gpucontrol import GpuControl, check_gpus

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs inherit that it is ignored
    with GpuControl(check_gpus("1410MHz", sys.argv[1], Path(sys.argv[2]))) as control:
        sys.stdout.write(f"{control.guardian_pid}\n")
        sys.stdout.flush()
        while True:
            time.sleep(1)
