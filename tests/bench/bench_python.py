# SPDX-License-Identifier: Apache-2.0
"""Processor time of one open and close in Python, in microseconds, DEPTH calls deep."""
import os
import sys
import time

COUNT = 200000


def loop():
    best = 1e9
    opened, closed, flags = os.open, os.close, os.O_RDONLY
    for _ in range(5):
        start = time.thread_time()
        for _ in range(COUNT):
            closed(opened("/dev/null", flags))
        best = min(best, time.thread_time() - start)
    return best / COUNT * 1e6


def deep(left):
    return deep(left - 1) if left else loop()


print("%.3f" % deep(int(sys.argv[1])))
