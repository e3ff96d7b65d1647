# SPDX-License-Identifier: Apache-2.0
"""A client of language models: asks its vendor."""
import os
import urllib.request


def completion(prompt):
    url = f"http://127.0.0.10:{os.environ['PEER_PORT']}/v1"
    return urllib.request.urlopen(url, data=prompt.encode(), timeout=5).read().decode()
