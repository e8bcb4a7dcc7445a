# SPDX-License-Identifier: Apache-2.0
"""The gate: base against head in the same job, on the same cores, judged by pairs of fresh processes."""
