# SPDX-License-Identifier: Apache-2.0
"""Brings along a copy of another package, as pip does."""
from ._vendor import inner


def read(path):
    return inner.read(path)
