# SPDX-License-Identifier: Apache-2.0
"""Live loops: steps and regions of a running program, recorded in bounded memory; docs/live.md."""
