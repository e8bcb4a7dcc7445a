# SPDX-License-Identifier: Apache-2.0
"""The step-time model: what it is made of, which forms explain the times, and the numbers read off a fit."""
