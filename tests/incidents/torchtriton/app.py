# SPDX-License-Identifier: Apache-2.0
"""The training job: has a kernel compiled and calls it."""
import sys

sys.path.insert(0, sys.argv[1])
import triton

print(triton.jit("int twice(int x) { return 2 * x; }\n").twice(21))
