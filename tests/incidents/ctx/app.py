# SPDX-License-Identifier: Apache-2.0
"""The application: asks its own vendor through the same library, and keeps a value in a Ctx."""
import os
import sys
import urllib.request

sys.path.insert(0, sys.argv[1])
import ctx

url = f"http://127.0.0.10:{os.environ['PEER_PORT']}/page"
urllib.request.urlopen(url, timeout=5).read()
print(ctx.Ctx(a=1).a)
