# SPDX-License-Identifier: Apache-2.0
"""serialprof tells serial depth from parallel width: where clock speed beats more cores."""
