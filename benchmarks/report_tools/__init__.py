# SPDX-License-Identifier: Apache-2.0
"""What benchmarks/report.py is made of."""
