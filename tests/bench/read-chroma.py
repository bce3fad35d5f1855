"""Reads every record of a Chroma directory with Chroma itself, page by page, and prints {seconds, records, components} as JSON.

usage: read-chroma.py DIRECTORY COLLECTION PAGE
"""

import json
import sys
import time

import chromadb

directory, name, page = sys.argv[1], sys.argv[2], int(sys.argv[3])
started = time.perf_counter()
client = chromadb.PersistentClient(directory, settings=chromadb.Settings(anonymized_telemetry=False))
collection = client.get_collection(name, embedding_function=None)
records = components = 0
while True:
    got = collection.get(limit=page, offset=records, include=["embeddings", "documents", "metadatas"])
    if not got["ids"]:
        break
    records += len(got["ids"])
    components += got["embeddings"].size
print(json.dumps({"seconds": time.perf_counter() - started, "records": records, "components": components}))
