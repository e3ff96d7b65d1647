# SPDX-License-Identifier: Apache-2.0
"""Ways for control to get to a package other than a plain call."""
import asyncio
import concurrent.futures
import ctypes
import threading


def read(path):
    with open(path) as file:
        return file.read()


def lines(path):
    with open(path) as file:
        yield from file


async def read_later(path):
    await asyncio.sleep(0)
    return read(path)


def in_thread(path):
    thread = threading.Thread(target=read, args=(path,))
    thread.start()
    thread.join()


def borrowed_thread(path):
    """The thread runs only the standard library's code; whose it is its origin tells."""
    thread = threading.Thread(target=open, args=(path,))
    thread.start()
    thread.join()


def in_pool(path):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(read, path).result()


def from_c(path):
    """qsort calls back into this package."""
    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)

    def compare(_one, _two):
        read(path)
        return 0

    libc = ctypes.CDLL(None)
    numbers = (ctypes.c_int * 2)(2, 1)
    libc.qsort(numbers, ctypes.c_size_t(2), ctypes.c_size_t(4), kind(compare))


class Reader:
    def __init__(self, path):
        self.path = path

    def __del__(self):
        read(self.path)
