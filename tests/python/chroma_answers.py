"""Prints, as JSON, what Chroma itself answers for a collection of a persistent directory.

usage: chroma_answers.py DIRECTORY COLLECTION PROBES NEIGHBOURS
COLLECTION may be "-" for the only one. Opening a directory may change it: pass a copy.
Metadata values are given as Python writes them, so that 1, 1.0, True and "1" stay four different values.
"""

import json
import sys

import chromadb

directory, name, probes, neighbours = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
client = chromadb.PersistentClient(directory, settings=chromadb.Settings(anonymized_telemetry=False))
if name == "-":
    (only,) = client.list_collections()
    name = only.name
collection = client.get_collection(name, embedding_function=None)
everything = collection.get(include=["documents", "metadatas", "embeddings"])
ids = everything["ids"]
# Evenly spread over the collection, the same ones every time.
chosen = [ids[i * len(ids) // probes] for i in range(min(probes, len(ids)))]
vectors = [[float(x) for x in everything["embeddings"][ids.index(key)]] for key in chosen]
found = collection.query(query_embeddings=vectors, n_results=min(neighbours, len(ids)), include=["distances"])


def own_filter(metadata):
    """A key and value of the record itself, of which langchain-postgres can make a filter."""
    texts = {name: value for name, value in (metadata or {}).items() if isinstance(value, str) and name.isidentifier() and name != "user_id"}
    # The value that most records share: a filter that leaves the record alone would compare one hit.
    shared = {name: sum((other or {}).get(name) == value for other in everything["metadatas"]) for name, value in texts.items()}
    name = max(sorted(shared), key=shared.get, default=None)
    return None if name is None else {name: texts[name]}


def narrowed(key, vector):
    where = own_filter(everything["metadatas"][ids.index(key)])
    if where is None:
        return None
    hits = collection.query(query_embeddings=[vector], n_results=min(neighbours, len(ids)), where=where, include=["distances"])
    return {"filter": where, "hits": [{"id": i, "distance": d} for i, d in zip(hits["ids"][0], hits["distances"][0])]}


json.dump(
    {
        "space": collection.configuration["hnsw"]["space"],
        "records": [
            {"id": key, "document": document, "metadata": {name: repr(value) for name, value in (metadata or {}).items()}}
            for key, document, metadata in zip(ids, everything["documents"], everything["metadatas"])
        ],
        "probes": [
            {
                "id": key,
                "vector": vector,
                "hits": [{"id": i, "distance": d} for i, d in zip(hits, distances)],
                "narrowed": narrowed(key, vector),
            }
            for key, vector, hits, distances in zip(chosen, vectors, found["ids"], found["distances"])
        ],
    },
    sys.stdout,
)
