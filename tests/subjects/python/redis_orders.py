# SPDX-License-Identifier: Apache-2.0
"""redis-py in the ways it is used. redis_orders.py PORT WAY [COUNT|TLS-PORT CA]"""
import asyncio
import contextlib
import random
import sys
import threading
import time

import redis
from redis import asyncio as aioredis
from redis.asyncio.connection import Connection

port, way = int(sys.argv[1]), sys.argv[2]


async def one(client, number):
    key = "key%d" % number
    if number % 8 == 0:  # stays with the server until it is cancelled
        await client.blpop("never", timeout=30)
    await client.set(key, key)
    got = await client.get(key)
    assert got == key.encode(), (key, got)


async def cancel_soon(task):
    while not task.done():  # one may be lost while the client connects
        await asyncio.sleep(random.random() * 0.1)
        task.cancel()


async def many(count):
    random.seed(1)
    done = cancelled = 0
    client = aioredis.Redis(port=port)
    for start in range(0, count, 250):
        tasks = [asyncio.create_task(one(client, n)) for n in range(start, start + 250)]
        hurries = []
        for number, task in enumerate(tasks, start):
            if number % 8 == 0 or random.random() < 0.4:
                hurries.append(asyncio.create_task(cancel_soon(task)))
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            done += result is None
            cancelled += isinstance(result, asyncio.CancelledError)
        await asyncio.gather(*hurries)
    assert done + cancelled == count, (done, cancelled)
    print("answered", done > count // 4, "cancelled", cancelled > count // 8)


class Defective(Connection):
    """As it was in 4.5.1: who is cancelled while it waits leaves the connection as it is."""

    async def read_response(self, disable_decoding=False):
        async with self._lock:
            return await self._parser.read_response(disable_decoding=disable_decoding)


async def crossed(kind):
    pool = aioredis.ConnectionPool(connection_class=kind, port=port, max_connections=1)
    client = aioredis.Redis(connection_pool=pool)
    for name in "alice", "bob", "carol":
        await client.set(name, name)
    task = asyncio.create_task(client.execute_command("WAIT", "1", "100"))
    await asyncio.sleep(0.02)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    print(await client.get("bob"), await client.get("carol"))


def threads():
    pool = redis.BlockingConnectionPool(port=port, max_connections=4, socket_timeout=10)
    client = redis.Redis(connection_pool=pool)

    def work(me):
        for i in range(100):
            key = "thread%d" % me
            client.set(key, i)
            assert int(client.get(key)) == i
            if i % 20 == 0:
                pipe = client.pipeline(transaction=i % 40 == 0)
                for j in range(300):
                    pipe.set("%s.%d" % (key, j), "x" * 100)
                assert len(pipe.execute()) == 300
        client.set(key, "y" * 3000000)
        assert len(client.get(key)) == 3000000

    workers = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print("threads done")


def pubsub():
    client = redis.Redis(port=port)
    listener = client.pubsub(ignore_subscribe_messages=True)
    for name in "a", "b", "c":
        listener.subscribe(name)
        listener.get_message()  # too early for an answer
    got = []
    thread_listener = client.pubsub(ignore_subscribe_messages=True)
    thread_listener.subscribe(**{"t": lambda m: got.append(m["data"])})
    thread = thread_listener.run_in_thread(sleep_time=0.01)
    for i in range(20):
        client.publish("a", i)
        client.publish("t", i)
        if i % 5 == 0:
            thread_listener.subscribe(**{"t%d" % i: got.append})
            listener.subscribe("a%d" % i)
        time.sleep(0.002)
    seen, end = 0, time.time() + 10
    while (seen < 20 or len(got) < 20) and time.time() < end:
        seen += listener.get_message(timeout=0.05) is not None
    thread.stop()
    thread.join()
    print("messages", seen, len(got))


async def async_pubsub():
    client = aioredis.Redis(port=port)
    async with client.pubsub() as listener:
        for name in "a", "b", "c":
            await listener.subscribe(name)
            await asyncio.sleep(0)
        for i in range(5):
            await client.publish("b", i)
        seen = 0
        for _ in range(40):
            message = await listener.get_message(ignore_subscribe_messages=True, timeout=0.1)
            seen += message is not None
            if seen == 5:
                break
        print("messages", seen)
    async with client.pipeline() as pipe:
        for i in range(2000):
            pipe.set("p%d" % i, "x" * 200)
        print("pipeline", len(await pipe.execute()))


def tls(tls_port, ca):
    client = redis.Redis(port=tls_port, ssl=True, ssl_ca_certs=ca, host="localhost")
    for i in range(50):
        client.set("tls", i)
        assert int(client.get("tls")) == i
    print("tls", client.ping())

    async def aside():
        other = aioredis.Redis(port=tls_port, ssl=True, ssl_ca_certs=ca, host="localhost")
        tasks = [asyncio.create_task(other.get("tls")) for _ in range(100)]
        await asyncio.sleep(0.005)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        print("async tls", await other.get("tls"))

    asyncio.run(aside())


if way == "many":
    asyncio.run(many(int(sys.argv[3])))
elif way == "crossed":
    asyncio.run(crossed(Connection if sys.argv[3] == "packaged" else Defective))
elif way == "threads":
    threads()
elif way == "pubsub":
    pubsub()
    asyncio.run(async_pubsub())
elif way == "tls":
    tls(int(sys.argv[3]), sys.argv[4])
