# SPDX-License-Identifier: Apache-2.0
"""Measuring: worker processes, the sampler inside them, and the engine that visits points."""
