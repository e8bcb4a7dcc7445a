# SPDX-License-Identifier: Apache-2.0
"""Setting clocks for as long as a `with` block lasts, whatever ends it.

    tree = Tree()                                  # /sys/devices/system/cpu; Tree(Path(...)) for a test
    recover(tree=tree)                             # what an earlier run left, before anything is read
    found = policies(tree)
    clocks = parse_clocks("1.2GHz,all", found)     # None for "off"
    check_permission(found, tree)
    with ClockControl(found, tree) as control:
        for clock in clocks:
            for each in control.set(clock):        # one PolicyClock per policy
                print(each.policy, each.requested, each.read_back)
    print(control.restoration.failed)              # one sentence for each file that could not be given back

On the standard library alone, so that it runs where nothing is installed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from serialprof.clock.guardian import Guardian
from serialprof.clock.interrupting import ended_by_sigterm, unheard
from serialprof.clock.journal import Journal, boot_id, default_folder, remove_journal, write_journal
from serialprof.clock.pinning import pin, turbo_value, turn_turbo
from serialprof.clock.policies import Policy, policies
from serialprof.clock.recovery import Recovery, locked, recover_locked
from serialprof.clock.restoring import Restoration, give_back, snapshot
from serialprof.clock.sysfs import Tree
from serialprof.errors import SerialprofError
from serialprof.policyclock import Clock, PolicyClock


class ClockControl:
    """Sets the clocks of some policies, and gives back what was there before.

    Entering locks the tree, gives back what a killed run left, keeps the state on disk, and starts the guardian;
    nothing of this machine's clocks is changed until then. Leaving gives everything back, also when an exception,
    Ctrl-C or SIGTERM ends the block. When the process is killed the guardian does it; when both are, the journal
    remains.

    Args:
        chosen: policies to set, from `policies` or `covering`; at least one.
        tree: the kernel's files.
        folder: where the journal is kept; by default `journal.default_folder`.

    Attributes:
        recovered: what an earlier, killed run had left, None where nothing; from entering on.
        restoration: what giving back came to; once the block has been left.
    """

    def __init__(self, chosen: Sequence[Policy], tree: Tree | None = None, folder: Path | None = None) -> None:
        if not chosen:
            raise ValueError("there is no policy to set")
        self._policies = tuple(chosen)
        self._tree = Tree() if tree is None else tree
        self._folder = (default_folder() if folder is None else folder).absolute()
        self._held = ExitStack()
        self._before: Mapping[str, str] = {}
        self._journal: Path | None = None
        self._guardian: Guardian | None = None
        self._lock = -1
        self.recovered: Recovery | None = None
        self.restoration = Restoration()

    @property
    def guardian_pid(self) -> int | None:
        """The guardian's process, None outside the block."""
        return None if self._guardian is None else self._guardian.pid

    def __enter__(self) -> Self:
        """Makes everything ready for being given back.

        Raises:
            CannotMeasureError: another run sets clocks, or what is there now could not be kept or given back.
            JournalError: a killed run left a journal that cannot be used.
            SerialprofError: what a killed run left could not be given back.
        """
        try:
            self._lock = self._held.enter_context(locked(self._tree, self._folder))
            self._recover()
            self._before = snapshot(self._tree, self._policies)
            journal = Journal(os.getpid(), boot_id(), str(self._tree.root), self._before)
            self._journal = write_journal(self._folder, journal)
            self._guardian = Guardian(self._tree.root, self._journal, self._lock)
            self._held.enter_context(ended_by_sigterm())
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Gives back; what could not be given back is in `restoration`, and its journal stays."""
        self._leave()

    def set(self, clock: Clock) -> tuple[PolicyClock, ...]:
        """Sets every policy to one clock and reads back what came of it.

        Turbo is switched off first unless the clock asks for it, in which case it is as it was before.

        Raises:
            CannotMeasureError: the kernel refuses.
        """
        self._guard()
        for switch in dict.fromkeys(policy.switch for policy in self._policies if policy.switch in self._before):
            was_on = self._before[switch] == turbo_value(switch, on=True)
            turn_turbo(self._tree, switch, on=clock.turbo and was_on)
        return tuple(pin(self._tree, policy, clock) for policy in self._policies)

    def _recover(self) -> None:
        self.recovered = recover_locked(self._folder, self._tree)
        if self.recovered is None:
            return
        if self.recovered.restoration.failed:
            raise SerialprofError(
                f"clocks that process {self.recovered.pid} had set could not all be given back: "
                + " ".join(self.recovered.restoration.failed),
                "serialprof clock restore tries again",
            )
        names = {policy.name for policy in self._policies}  # their ranges may have changed
        self._policies = tuple(policy for policy in policies(self._tree) if policy.name in names)

    def _guard(self) -> None:
        """Makes sure that there is a guardian: somebody may have ended it."""
        if self._guardian is None or self._journal is None:
            raise RuntimeError("clocks are set inside the with block only")
        if not self._guardian.alive:
            self._guardian.leave()
            self._guardian = Guardian(self._tree.root, self._journal, self._lock)

    def _leave(self) -> None:
        try:
            with unheard():
                self._give_back()
        finally:
            self._held.close()

    def _give_back(self) -> None:
        """Gives back, and lets the guardian go; whatever goes wrong here, it tries again before it ends."""
        guardian, journal = self._guardian, self._journal
        self._guardian = self._journal = None
        clean = False
        try:
            if journal is not None:
                self.restoration = give_back(self._tree, self._before)
                clean = not self.restoration.failed
                if clean:
                    with suppress(OSError):  # it then stays, and giving back again changes nothing
                        remove_journal(journal)
        finally:
            if guardian is not None and clean:
                guardian.dismiss()
            elif guardian is not None:
                guardian.leave()
                self._look_again()

    def _look_again(self) -> None:
        """What is left once the guardian has tried as well."""
        again = give_back(self._tree, self._before)
        self.restoration = Restoration(tuple(sorted({*self.restoration.changed, *again.changed})), again.failed)
