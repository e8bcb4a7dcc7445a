# SPDX-License-Identifier: Apache-2.0
"""A rollout in gymnasium: CartPole environments, played by a small policy of PyTorch.

    serialprof run docs/examples/gymnasium_rollout.py:rollout
    serialprof run docs/examples/gymnasium_rollout.py:rollout --param environments=vector_entry_point

One step is one action in every environment: the policy needs the observation that the last action led to. A lane is
one environment. By default they are stepped one after the other in Python ("sync"); the second command takes
CartPole's own version in NumPy, which steps all at once.
"""

import gymnasium
import torch

import serialprof


@serialprof.workload(
    depth="actions",
    width="environments",
    widths=(1, 4, 16, 64, 256),
    default_depth=32,
    parameters={"hidden": 64, "environments": "sync"},
    requires=("torch",),
)
def rollout(setting: serialprof.Setting):
    """CartPole environments and a policy of two layers."""
    torch.manual_seed(setting.seed)
    hidden = setting.integer("hidden")
    policy = torch.nn.Sequential(torch.nn.Linear(4, hidden), torch.nn.Tanh(), torch.nn.Linear(hidden, 2))
    how = str(setting.parameters["environments"])
    environments = gymnasium.make_vec("CartPole-v1", setting.width, vectorization_mode=how)
    seen, _ = environments.reset(seed=setting.seed)

    @torch.inference_mode()
    def step() -> None:
        nonlocal seen
        actions = policy(torch.from_numpy(seen)).argmax(dim=-1)
        seen, *_ = environments.step(actions.numpy())

    return step
