# SPDX-License-Identifier: Apache-2.0
"""Benchmarks: each prints a table and records it with the machine; the coverage simulation is used by the tests too."""
