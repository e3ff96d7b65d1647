# SPDX-License-Identifier: Apache-2.0
"""A dictionary with attributes: no I/O at all."""


class Ctx(dict):
    def __getattr__(self, name):
        return self[name]
