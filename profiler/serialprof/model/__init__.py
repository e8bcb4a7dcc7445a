# SPDX-License-Identifier: Apache-2.0
"""The step-time model."""
