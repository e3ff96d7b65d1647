# SPDX-License-Identifier: Apache-2.0
"""What a .pth line imports at every start of the interpreter."""
import os


def start():
    path = os.environ.get("PTH_DEMO_READS")
    if path:
        open(path).close()
