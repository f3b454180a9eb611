# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest laboratory: real kernels in QEMU, driven by scenarios that are data."""
