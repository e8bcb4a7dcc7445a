# SPDX-License-Identifier: Apache-2.0
"""Planted truths against estimates: does this instrument tell the truth on this machine?

`programs` plants, `comparing` compares, `running` does both here.
"""
