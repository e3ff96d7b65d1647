# SPDX-License-Identifier: Apache-2.0
"""A conduit: what it does, it does for whoever asked."""
import asyncio


def read(path):
    with open(path) as file:
        return file.read()


async def read_later(path):
    await asyncio.sleep(0)
    return read(path)


async def read_deep(path, left=3):
    return await (read_deep(path, left - 1) if left else read_later(path))


async def read_when_cancelled(path, ready):
    async def inner():
        try:
            ready.set_result(None)
            await asyncio.sleep(60)
        finally:
            read(path)

    await inner()
