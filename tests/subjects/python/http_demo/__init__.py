# SPDX-License-Identifier: Apache-2.0
"""A transport: what it does it does for its caller."""


def read(path):
    with open(path) as file:
        return file.read()
