# SPDX-License-Identifier: Apache-2.0
"""Clocks: the meter that reads the core clock without permission."""
