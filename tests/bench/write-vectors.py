"""Writes a Chroma directory with a real Chroma, and the same rows as a binary COPY file for langchain_pg_embedding.

usage: write-vectors.py FOLDER RECORDS DIMENSIONS
"""

import json
import pathlib
import struct
import sys

import chromadb
import numpy

folder, records, dimensions = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
random = numpy.random.default_rng(20240501)
words = "red oak chair morning light street market vintage blue ceramic bowl window garden stone leather".split()

client = chromadb.PersistentClient(str(folder / "chroma"), settings=chromadb.Settings(anonymized_telemetry=False))
collection = client.create_collection("bench_vectors", configuration={"hnsw": {"space": "cosine"}}, embedding_function=None)
with open(folder / "vectors.bin", "wb") as out:
    # COPY BINARY (PostgreSQL manual, "COPY", Binary Format): signature, flags, extension; fields as length and bytes.
    out.write(b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0))
    for start in range(0, records, 1000):
        size = min(1000, records - start)
        vectors = random.standard_normal((size, dimensions), dtype=numpy.float32)
        ids = [f"item-{start + i:07d}" for i in range(size)]
        documents = [" ".join(random.choice(words, 60)) for _ in range(size)]
        metadatas = [{"item_id": key, "category": str(random.choice(words)), "version": 1, "score": float(random.random())} for key in ids]
        collection.add(ids=ids, embeddings=vectors, documents=documents, metadatas=metadatas)
        for key, vector, document, metadata in zip(ids, vectors, documents, metadatas):
            fields = [
                key.encode(),
                bytes(15) + b"\x01",
                struct.pack(">hh", dimensions, 0) + vector.astype(">f4").tobytes(),
                document.encode(),
                b"\x01" + json.dumps({**metadata, "user_id": "bench"}).encode(),
            ]
            out.write(struct.pack(">h", len(fields)) + b"".join(struct.pack(">i", len(field)) + field for field in fields))
    out.write(struct.pack(">h", -1))
