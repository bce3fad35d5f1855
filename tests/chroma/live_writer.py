"""Writes to one collection of a Chroma directory without a pause until its standard input ends, and prints the number of each call once Chroma has taken it.

usage: live_writer.py DIRECTORY

Calls come in threes, k = 0, 1, ...: the first adds the records 3k, 3k+1 and 3k+2 (vector: number, calls before, 0.5), the second updates record 2k, the third deletes
record 2(k-10). So the state after any number of calls is known: live-writer.ts has the same rules.
"""

import logging
import pathlib
import select
import sys

from random_writes import client_for


def main():
    logging.disable(logging.CRITICAL)
    client = client_for(pathlib.Path(sys.argv[1]))
    metadata = {"hnsw:space": "l2", "hnsw:batch_size": 5, "hnsw:sync_threshold": 20}
    collection = client.create_collection("live", metadata=metadata, embedding_function=None)
    call = 0

    def done():
        nonlocal call
        call += 1
        print(call, flush=True)

    def records(numbers):
        return {
            "ids": [str(number) for number in numbers],
            "embeddings": [[float(number), float(call), 0.5] for number in numbers],
            "metadatas": [{"call": call} for _ in numbers],
        }

    while not select.select([sys.stdin], [], [], 0)[0]:
        step = call // 3
        collection.add(**records([3 * step, 3 * step + 1, 3 * step + 2]))
        done()
        collection.update(**records([2 * step]))
        done()
        collection.delete(ids=[str(2 * (step - 10))] if step >= 10 else ["none"])
        done()


if __name__ == "__main__":
    main()
