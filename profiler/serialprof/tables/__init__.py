# SPDX-License-Identifier: Apache-2.0
"""What a run holds as DataFrames: one row per thing, SI base units, which the columns' names tell."""
