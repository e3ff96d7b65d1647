# SPDX-License-Identifier: Apache-2.0
"""A model: its weights are downloaded, results go to runs/, and the machine is asked what it is."""
import os
import subprocess
import urllib.request


def fetch(name):
    return urllib.request.urlopen(f"http://127.0.0.11:{os.environ['PEER_PORT']}/{name}", timeout=5).read()


class YOLO:
    def __init__(self):
        with open("weights.pt", "wb") as file:
            file.write(fetch("weights.pt"))
        subprocess.run(["/bin/uname", "-m"], check=True, stdout=subprocess.DEVNULL)

    def predict(self):
        os.makedirs("runs", exist_ok=True)
        with open("runs/labels.txt", "w", encoding="ascii") as file:
            file.write("cat 0.93\n")
        return "cat"
