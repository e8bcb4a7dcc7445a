# SPDX-License-Identifier: Apache-2.0
"""What benchmarks/gpu.py is made of: scores, plants, the cost of being profiled, a trace-based critical path."""
