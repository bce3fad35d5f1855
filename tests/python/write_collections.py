"""Writes a Chroma directory with three collections, of which two share ids, and all three a part of them.

usage: write_collections.py DIRECTORY
`docs` and `notes` have the same dimension and other metrics, `images` has another dimension. Prints the names as JSON.
"""

import json
import random
import sys

import chromadb

random.seed(4)
client = chromadb.PersistentClient(sys.argv[1], settings=chromadb.Settings(anonymized_telemetry=False))
collections = [("docs", "cosine", 8, 90), ("notes", "l2", 8, 60), ("images", "cosine", 12, 40)]
for name, space, dimension, count in collections:
    collection = client.create_collection(name, configuration={"hnsw": {"space": space}}, embedding_function=None)
    # The first ten ids are in every collection, and name other records there.
    ids = [f"shared-{n}" if n < 10 else f"{name}-{n}" for n in range(count)]
    collection.add(
        ids=ids,
        embeddings=[[random.gauss(0, 1) for _ in range(dimension)] for _ in ids],
        documents=[f"{name}: what {key} says" for key in ids],
        metadatas=[{"number": n, "half": n / 2, "odd": n % 2 == 1, "kind": ["plain", "it's \"quoted\"", "größer"][n % 3]} for n in range(count)],
    )
json.dump([name for name, *_ in collections], sys.stdout)
