# SPDX-License-Identifier: Apache-2.0
"""A program that is a package: python -m main_demo PATH."""
import sys

open(sys.argv[1]).close()
