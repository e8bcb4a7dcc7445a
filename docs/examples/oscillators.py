"""A ring of coupled oscillators: every step needs the phases of the step before."""

import numpy as np

import serialprof


@serialprof.workload(depth="steps", width="oscillators")
def oscillators(setting):
    """A ring of oscillators, each pulled by its two neighbours."""
    random = np.random.default_rng(setting.seed)
    phases = random.uniform(0, 2 * np.pi, setting.width)

    def step():
        nonlocal phases
        pull = np.sin(np.roll(phases, 1) - phases) + np.sin(np.roll(phases, -1) - phases)
        phases = phases + 0.01 * pull

    return step
