# SPDX-License-Identifier: Apache-2.0
"""What benchmarks/gate.py is made of."""
