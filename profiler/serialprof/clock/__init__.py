# SPDX-License-Identifier: Apache-2.0
"""The core's clock: read by a meter that times instruction chains of known length."""
