# SPDX-License-Identifier: Apache-2.0
"""A fitted model under conditions that were not measured: another clock, other threads, a changed machine."""
