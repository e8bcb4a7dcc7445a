# SPDX-License-Identifier: Apache-2.0
"""What benchmarks/fuzz.py is made of."""
