# SPDX-License-Identifier: Apache-2.0
"""The application: one question."""
import litellm

print(litellm.completion("hello"))
