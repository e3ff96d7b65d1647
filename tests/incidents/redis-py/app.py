# SPDX-License-Identifier: Apache-2.0
"""The service: alice's request is cancelled, then bob and carol come."""
import os
import sys

sys.path.insert(0, sys.argv[1])
import redis

client = redis.Redis("127.0.0.12", int(os.environ["REDIS_PORT"]))
for name, patience in (("alice", 0.01), ("bob", 5), ("carol", 5)):
    print(name, client.get(name, patience))
