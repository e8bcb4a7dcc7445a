# SPDX-License-Identifier: Apache-2.0
"""Where a step goes that a framework drives on a device: growth over batch, parts, and what would help."""
