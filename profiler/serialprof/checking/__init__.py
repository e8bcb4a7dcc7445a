# SPDX-License-Identifier: Apache-2.0
"""Help before measuring: what a workload does that would spoil its measurement, and an example to begin with."""
