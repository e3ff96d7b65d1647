# SPDX-License-Identifier: Apache-2.0
"""The job: one prediction."""
import sys

sys.path.insert(0, sys.argv[1])
import ultralytics

print(ultralytics.YOLO().predict())
