# SPDX-License-Identifier: Apache-2.0
"""Stored runs beside each other: what they share, how much faster one is, and what the ratio is made of."""
