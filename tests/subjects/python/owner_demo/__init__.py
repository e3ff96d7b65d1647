# SPDX-License-Identifier: Apache-2.0
"""Owns an event loop and a pool that others use."""
import asyncio
import concurrent.futures
import threading

import carry_demo

pool = concurrent.futures.ThreadPoolExecutor(1)
pool.submit(int).result()  # its thread is ours


def run(main):
    return asyncio.run(main)


def own_task(path):
    async def main():
        await asyncio.get_running_loop().create_task(carry_demo.read_later(path))

    run(main())


def own_work(path):
    return pool.submit(carry_demo.read, path).result()


class Loop:
    """In a thread of ours."""

    def __enter__(self):
        ready = threading.Event()
        self.loop = asyncio.new_event_loop()
        self.loop.call_soon(ready.set)
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        ready.wait()
        return self.loop

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
