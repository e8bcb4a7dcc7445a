# SPDX-License-Identifier: Apache-2.0
"""What benchmarks/attribution.py is made of: planted laws, noise, the bound, the tools, scores and their table."""
