# SPDX-License-Identifier: Apache-2.0
"""Makes tasks, callbacks and work, and is off the stack when they run."""
import asyncio
import concurrent.futures
import contextvars
import threading

import carry_demo


def _loop():
    return asyncio.get_running_loop()


def task(path):
    return asyncio.create_task(carry_demo.read_later(path))


def future(path):
    return asyncio.ensure_future(carry_demo.read_later(path))


def deep(path):
    return _loop().create_task(carry_demo.read_deep(path))


def gathered(path):
    return asyncio.gather(carry_demo.read_later(path), asyncio.sleep(0))


def by_name(path):
    return asyncio.Task(coro=carry_demo.read_later(path), loop=_loop())


class Own(asyncio.Task):
    def __init__(self, coro, loop):
        super().__init__(coro, loop=loop)


class Plain(asyncio.Task):
    pass


def own_class(path):
    return Own(carry_demo.read_later(path), _loop())


def plain_class(path):
    return Plain(carry_demo.read_later(path), loop=_loop())


async def _makes(make, path):
    return make(path)


async def task_of_task(path):
    return await (await _loop().create_task(_makes(task, path)))


async def cancelled(path):
    ready = _loop().create_future()
    made = _loop().create_task(carry_demo.read_when_cancelled(path, ready))
    await ready
    return made


def soon(path):
    _loop().call_soon(carry_demo.read, path)
    return asyncio.sleep(0.01)


def later(path):
    _loop().call_later(0.001, carry_demo.read, path)
    return asyncio.sleep(0.1)


def shared_context(path):
    context = contextvars.copy_context()
    made = asyncio.create_task(carry_demo.read_later(path), context=context)
    return asyncio.gather(made, asyncio.create_task(asyncio.sleep(0), context=context))


def eager(path):
    _loop().set_task_factory(asyncio.eager_task_factory)
    return task(path)


async def grouped(path):
    async with asyncio.TaskGroup() as group:
        group.create_task(carry_demo.read_later(path))


async def to_thread(path):
    await asyncio.to_thread(carry_demo.read, path)


def in_executor(path, pool=None):
    return _loop().run_in_executor(pool, carry_demo.read, path)


def from_thread(path, loop):
    return asyncio.run_coroutine_threadsafe(carry_demo.read_later(path), loop)


def soon_from_thread(path, loop):
    done = concurrent.futures.Future()
    loop.call_soon_threadsafe(carry_demo.read, path)
    loop.call_soon_threadsafe(done.set_result, None)
    return done


def submit(path, pool):
    return pool.submit(carry_demo.read, path)


def submit_many(path, pool):
    return list(pool.map(carry_demo.read, [path]))


def submit_open(path, pool):
    """The standard library's own function: nobody's code but Python's runs it."""
    return pool.submit(open, path)


def submit_from_work(path, pool):
    with concurrent.futures.ThreadPoolExecutor(1) as own:
        own.submit(submit, path, pool).result().result()


def timer(path):
    made = threading.Timer(0.001, carry_demo.read, (path,))
    made.start()
    made.join()
