# SPDX-License-Identifier: Apache-2.0
"""Renderers: each turns one stored run into one document."""
