# SPDX-License-Identifier: Apache-2.0
"""What the torch workloads share. Importing this package does not import torch; its modules do, in their functions."""
