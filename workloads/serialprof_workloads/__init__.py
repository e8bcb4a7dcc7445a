# SPDX-License-Identifier: Apache-2.0
"""The catalogue: one file, one workload family."""
