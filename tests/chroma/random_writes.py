"""Random writes to one Chroma directory, the same for the same seed. Works with chromadb 0.4.24 to 1.5.9.

A directory gets a few collections in several tenants and databases. Their thresholds are so low that the write-ahead log and the HNSW index take
turns many times, or so high that nothing leaves the log. Every write passes its embeddings, so no model is needed.

What is sent is first noted in the journal (a line of JSON per vector): whatever becomes of a process that is killed, no other vector can be right.
"""

import json
import random
import struct

import chromadb
from chromadb.errors import ChromaError

spaces = ("l2", "cosine", "ip")
default_place = ("default_tenant", "default_database")
places = (default_place, ("default_tenant", "Zweite Datenbank"), ("tenant-two", "inner"))
collection_names = ("alpha", "beta", "gamma", "again")
version = tuple(int(part) for part in chromadb.__version__.split("."))
has_lists = version >= (1, 5)


def settings():
    return chromadb.Settings(anonymized_telemetry=False)


def client_for(directory, place=default_place):
    return chromadb.PersistentClient(path=str(directory), settings=settings(), tenant=place[0], database=place[1])


def float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def hexed(values):
    return struct.pack(f"<{len(values)}f", *values).hex()


strings = ("", "wood", "Küche 🪑", "椅子\u2028x", "nul \u0000 inside", "\"'\\\n\t", "é", "e\u0301", "\U0001f468\u200d\U0001f469", "long " * 60)
integers = (0, 1, -1, 42, 2**31, -(2**31) - 1, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63))
floats = (0.0, -0.0, 1.0, -1.0, 0.1, 1 / 3, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1e16, 1e21, 1e22, 1e100, 123456789.125, 9007199254740993.0)
keys = ("title", "count", "share", "seen", "Größe", "鍵", "with space", "dot.ted", "quote\"'", "list") + (("",) if version < (1, 0) else ())
# JSON has no word for these: each Chroma writes them to its log in its own way, and its record may lack the key.
poison = [float("nan"), 1.0] if has_lists else 2**63
not_in_json = (float("nan"), float("inf"), float("-inf"))


class Scene:
    """One directory and everything that is done to it."""

    def __init__(self, directory, seed, journal, on_write):
        self.directory = directory
        self.random = random.Random(seed)
        self.journal = journal
        self.on_write = on_write
        self.writers = []

    def run(self):
        choose = self.random
        client = client_for(self.directory)
        chosen = [default_place] + [place for place in places[1:] if choose.random() < 0.3]
        for tenant, database in chosen[1:]:
            if tenant != default_place[0]:
                client._admin_client.create_tenant(tenant)
            client._admin_client.create_database(database, tenant)
        clients = {place: client_for(self.directory, place) for place in chosen}
        for name in collection_names[: choose.randrange(1, 4)]:
            self.create(clients, choose.choice(chosen), name)
        for _ in range(choose.randrange(8, 40)):
            if choose.random() < 0.03:
                self.recreate(clients)
            choose.choice(self.writers).step()
        if choose.random() < 0.1:
            poisoned = choose.choice(self.writers)
            self.journal.write(json.dumps({"poisoned": True}) + "\n")
            poisoned.step("poison")
            for _ in range(4):
                poisoned.step()

    def create(self, clients, place, name):
        writer = Writer(self, clients[place], place, name)
        self.writers.append(writer)

    def recreate(self, clients):
        """Drops a collection and makes one of the same name, with other parameters; Chroma may use row and sequence numbers again."""
        gone = self.random.choice(self.writers)
        self.on_write()
        gone.client.delete_collection(gone.name)
        self.writers.remove(gone)
        self.create(clients, gone.place, gone.name)


class Writer:
    """Random operations on one collection."""

    def __init__(self, scene, client, place, name):
        self.scene = scene
        self.client = client
        self.place = place
        self.name = name
        self.random = scene.random
        self.dimension = self.random.choice((1, 2, 3, 4, 5, 8))
        self.space = self.random.choice(spaces)
        self.alive = []
        self.gone = []
        self.next = 0
        scene.on_write()
        self.collection = self.make()
        scene.journal.write(json.dumps({"collection": str(self.collection.id), "space": self.space}) + "\n")

    def make(self):
        """The space and the thresholds are given in any of the ways that this Chroma has."""
        choose = self.random
        metadata = {"about": choose.choice(strings[1:]), "whole": choose.choice(integers), "share": choose.choice(floats)}
        if version >= (0, 5):
            metadata["flag"] = choose.random() < 0.5
        small = choose.random() < 0.85
        batch = choose.randrange(3, 8)
        thresholds = {"batch_size": batch, "sync_threshold": choose.choice((batch, batch + 1, 2 * batch, 4 * batch))} if small else {}
        if not small and choose.random() < 0.5:
            metadata = None
        if version >= (1, 0) and choose.random() < 0.6:
            configuration = {"hnsw": {"space": self.space, **thresholds}}
            return self.client.create_collection(self.name, configuration=configuration, metadata=metadata, embedding_function=None)
        named = {f"hnsw:{key}": value for key, value in thresholds.items()}
        if self.space != "l2" or choose.random() < 0.5:
            named["hnsw:space"] = self.space
        metadata = {**(metadata or {}), **named} or None
        extra = {}
        if (0, 5, 4) <= version < (1, 0) and choose.random() < 0.3:
            # Stored and shown by 0.5 and 0.6, but their index does not follow it.
            from chromadb.api.configuration import CollectionConfigurationInternal, ConfigurationParameter, HNSWConfigurationInternal

            hnsw = HNSWConfigurationInternal([ConfigurationParameter("space", choose.choice(spaces))])
            extra["configuration"] = CollectionConfigurationInternal([ConfigurationParameter("hnsw_configuration", hnsw)])
        return self.client.create_collection(self.name, metadata=metadata, embedding_function=None, **extra)

    def vector(self):
        """Not normalised: norms from 1e-3 to 1e3; some zero, some with a zero of either sign."""
        kind = self.random.random()
        if kind < 0.05:
            return [0.0] * self.dimension
        scale = 10 ** self.random.uniform(-3, 3)
        vector = [float32(self.random.gauss(0, 1) * scale) for _ in range(self.dimension)]
        if kind < 0.07 and version < (1, 0):
            vector[self.random.randrange(self.dimension)] = self.random.choice(not_in_json)
        elif kind < 0.15:
            vector[self.random.randrange(self.dimension)] = self.random.choice((0.0, -0.0))
        return vector

    def value(self):
        if self.random.random() < 0.02:
            return self.random.choice(not_in_json)
        choices = [self.random.choice(strings), self.random.choice(integers), self.random.choice(floats), self.random.random() < 0.5]
        if has_lists and self.random.random() < 0.3:
            kind = self.random.choice((strings, integers, floats, (True, False)))
            return [self.random.choice(kind) for _ in range(self.random.randrange(1, 5))]
        return self.random.choice(choices)

    def metadata(self, removing=False):
        if not removing and self.random.random() < 0.15:
            return None
        chosen = {key: self.value() for key in self.random.sample(keys, self.random.randrange(1, 5))}
        if removing and version >= (1, 0) and self.random.random() < 0.5:
            chosen[self.random.choice(keys)] = None
        return chosen

    def document(self):
        return self.random.choice((None, "", f"Document {self.next}: ein Stuhl, 椅子, كرسي", "lang " * 40, "nul \u0000 inside"))

    def batch(self, ids, removing=False):
        batch = {"ids": ids, "embeddings": [self.vector() for _ in ids]}
        if self.random.random() < 0.8:
            batch["documents"] = [self.document() for _ in ids]
            if all(document is None for document in batch["documents"]):
                batch["documents"][0] = "one"
        elif self.random.random() < 0.3:
            batch["uris"] = [f"file:///{key}" for key in ids]
        if self.random.random() < 0.8:
            batch["metadatas"] = [self.metadata(removing) for _ in ids]
        for key, vector in zip(ids, batch["embeddings"]):
            self.scene.journal.write(json.dumps({"collection": str(self.collection.id), "id": key, "vector": hexed(vector)}) + "\n")
        self.scene.journal.flush()
        return batch

    def fresh(self, count):
        ids = [self.new_id(self.next + at) for at in range(count)]
        self.next += count
        return ids

    def new_id(self, number):
        forms = [f"id-{number:03d}"] * 6 + [f"ид-{number}", f"nul \u0000 {number}", f"{number} " + "long" * 80, str(number), f"🪑{number}"]
        return "" if number == 0 and version < (1, 0) and self.random.random() < 0.3 else self.random.choice(forms)

    def some(self, ids, count):
        return self.random.sample(ids, min(count, len(ids)))

    def step(self, name=None):
        choices = ["add"] * 4 + ["upsert"] * 2 + ["update", "update", "touch", "delete", "delete", "readd", "everything", "bulk"]
        name = name or self.random.choice(choices)
        if len(self.alive) < 6 and name not in ("add", "bulk", "readd", "poison"):
            name = "add"
        self.scene.on_write()
        try:
            getattr(self, name)(self.random.randrange(1, 8))
        except (ValueError, TypeError, ChromaError) as refused:
            # A value that this version does not take: nothing was written.
            self.scene.journal.write(json.dumps({"refused": f"{name}: {refused}"[:300]}) + "\n")

    def born(self, ids):
        self.alive += [key for key in ids if key not in self.alive]
        self.gone = [key for key in self.gone if key not in ids]

    def add(self, count):
        ids = self.fresh(count) + self.some(self.alive, self.random.randrange(2))
        ids += [key for key in ("ghost-1", "ghost-2", "ghost-3") if key not in ids and self.random.random() < 0.1]
        self.random.shuffle(ids)
        self.collection.add(**self.batch(ids))
        self.born(ids)

    def poison(self, count):
        """A value that Chroma logs but cannot apply: whatever follows in the log stays there, and 1.5 does not answer any more."""
        batch = self.batch(self.fresh(count))
        batch["metadatas"] = [{"poison": poison} for _ in batch["ids"]]
        self.collection.add(**batch)
        self.born(batch["ids"])

    def bulk(self, count):
        self.add(count * 4)

    def readd(self, count):
        ids = self.some(self.gone, count) or self.fresh(1)
        self.collection.add(**self.batch(ids))
        self.born(ids)

    def upsert(self, count):
        ids = self.some(self.alive, count) + self.some(self.gone, self.random.randrange(3)) + self.fresh(self.random.randrange(3))
        self.collection.upsert(**self.batch(ids, removing=True))
        self.born(ids)

    def update(self, count):
        ids = self.some(self.alive, count) + self.some(self.gone, self.random.randrange(2))
        ids += [key for key in ("ghost-1", "ghost-2", "ghost-3") if key not in ids and self.random.random() < 0.5]
        self.collection.update(**self.batch(ids, removing=True))

    def touch(self, count):
        """Metadata only: the vectors stay."""
        ids = self.some(self.alive, count)
        self.collection.update(ids=ids, metadatas=[self.metadata(True) for _ in ids])

    def delete(self, count):
        ids = self.some(self.alive, count)
        self.collection.delete(ids=ids)
        self.died(ids)

    def everything(self, _count):
        if self.random.random() < 0.3:
            ids = list(self.alive)
            self.collection.delete(ids=ids)
            self.died(ids)

    def died(self, ids):
        self.alive = [key for key in self.alive if key not in ids]
        self.gone += ids
