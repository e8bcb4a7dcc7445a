# SPDX-License-Identifier: Apache-2.0
"""The parts of benchmarks/kernels.py: cores, their peers, and how they are timed beside each other."""
