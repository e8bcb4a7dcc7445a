# SPDX-License-Identifier: Apache-2.0
"""A run that sets clocks for ever, for tests to kill: python sweep.py ROOT FOLDER [fork]."""

import os
import signal
import sys
import time
from pathlib import Path

from serialprof.clock.control import ClockControl
from serialprof.clock.policies import policies
from serialprof.clock.request import available
from serialprof.clock.sysfs import Tree
from serialprof.policyclock import Clock

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs inherit that it is ignored
    tree, folder = Tree(Path(sys.argv[1])), Path(sys.argv[2])
    found = policies(tree)
    with ClockControl(found, tree, folder) as control:
        if sys.argv[3:] == ["fork"] and os.fork() == 0:
            sys.stdin.read()  # holds every descriptor of the run, the pipe to the guardian too
            os._exit(0)
        control.set(Clock(available(found)[0]))
        sys.stdout.write(f"{control.guardian_pid}\n")
        sys.stdout.flush()
        while True:
            for hertz in available(found):
                control.set(Clock(hertz))
            time.sleep(0.001)
