# SPDX-License-Identifier: Apache-2.0


def read(path):
    with open(path) as file:
        return file.read()
