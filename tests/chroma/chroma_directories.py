"""Makes Chroma directories by random writes, and says what the same Chroma answers for each of them.

usage: chroma_directories.py FOLDER SEED...

For each seed: FOLDER/SEED/data, the directory as its writer left it, and FOLDER/SEED/answers.json. Every third writer is killed (SIGKILL) half-way: by
the clock or, with the Python implementation (0.x), also at a chosen point of persisting its index. The answers come from a fresh process over a copy,
because opening a directory replays its log and may write. Writers and answerers are forked from this process, which opens no directory itself.

answers.json: `version`, `killed` (when, or null), `poisoned` (a value was written that this Chroma logs but cannot apply), `order` (what get() sorts by) and `collections`: tenant, database, name, id, `space` as its distances show it (null: cannot be
told), `metadata`, `records` in the order of get(), each in the canonical form of tests/unit/chroma/canonical.ts (typed numbers), `error` when this Chroma cannot answer, and `given`: every vector that was ever sent,
by id, float32 little-endian in hex. After an error `records` come from a copy without its index files, with `"embedding":null`.
"""

import json
import logging
import os
import pathlib
import random
import shutil
import signal
import struct
import sys
import time
import traceback

import chromadb

from random_writes import Scene, client_for, collection_names, hexed, places, version

persist_points = ("index-written", "pickle-empty", "pickle-half", "pickle-written")


def kill_self():
    os.kill(os.getpid(), signal.SIGKILL)


def fail_while_persisting(point, countdown):
    """Kills this process at a point of the countdown-th persist of an index (Python implementation only)."""
    import pickle
    import types

    from chromadb.segment.impl.vector import local_persistent_hnsw as persistent

    state = {"left": countdown, "persisting": False}
    segment = persistent.PersistentLocalHnswSegment
    persist, metadata_file = segment._persist, segment._get_metadata_file

    def counted_persist(self):
        state["left"] -= 1
        state["persisting"] = state["left"] == 0
        persist(self)

    def watched_metadata_file(self):
        if state["persisting"] and point == "index-written":
            kill_self()
        return metadata_file(self)

    def cut_dump(value, file, protocol):
        if not state["persisting"]:
            pickle.dump(value, file, protocol)
            return
        data = pickle.dumps(value, protocol)
        file.write({"pickle-empty": b"", "pickle-half": data[: len(data) // 2], "pickle-written": data}[point])
        file.flush()
        kill_self()

    segment._persist = counted_persist
    segment._get_metadata_file = watched_metadata_file
    persistent.pickle = types.SimpleNamespace(dump=cut_dump, load=pickle.load, HIGHEST_PROTOCOL=pickle.HIGHEST_PROTOCOL)


def forked(work):
    """Runs `work` in a forked child and returns its process id."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return child


def ended(child):
    """The exit status of a child, once it has ended."""
    return os.waitpid(child, 0)[1]


def write(folder, seed):
    """Fills FOLDER/data; returns when its writer was killed, or None."""
    choose = random.Random(f"kill {seed}")
    kill_after = choose.randrange(2, 30) if seed % 3 == 0 else None
    point = choose.choice(persist_points) if kill_after is not None and version < (1, 0) and choose.random() < 0.5 else None
    reading, writing = os.pipe()

    def work():
        os.close(reading)
        if point is not None:
            fail_while_persisting(point, choose.randrange(1, 6))
        with open(folder / "journal.jsonl", "w", encoding="utf-8") as journal:

            def on_write():
                journal.flush()
                os.write(writing, b".")

            Scene(folder / "data", seed, journal, on_write).run()

    child = forked(work)
    os.close(writing)
    writes = 0
    while os.read(reading, 1):
        writes += 1
        if point is None and kill_after is not None and writes == kill_after:
            time.sleep(choose.random() * 0.03)
            os.kill(child, signal.SIGKILL)
    os.close(reading)
    status = ended(child)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return point or f"write {kill_after}"
    if status != 0:
        raise RuntimeError(f"the writer of seed {seed} failed with status {status}")
    return None


def canonical_value(value):
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(canonical_value(element) for element in value) + "]"
    if isinstance(value, bool) or isinstance(value, str) or value is None:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        return '{"i":"%d"}' % value
    return '{"f":"%s"}' % struct.pack("<d", value).hex()


def utf16(text):
    """JavaScript compares strings by UTF-16 units."""
    return text.encode("utf-16-be", "surrogatepass")


def canonical_line(key, embedding, document, fields, uri):
    def quoted(value):
        return json.dumps(value, ensure_ascii=False)

    pairs = ",".join(f"{quoted(name)}:{canonical_value(fields[name])}" for name in sorted(fields or {}, key=utf16))
    body = "{" + pairs + "}" if fields else "null"
    vector = "null" if embedding is None else quoted(hexed([float(component) for component in embedding]))
    return f'{{"document":{quoted(document)},"embedding":{vector},"id":{quoted(key)},"metadata":{body},"uri":{quoted(uri)}}}'


def lines_of(collection, with_embeddings):
    include = ["documents", "metadatas", "uris"] + (["embeddings"] if with_embeddings else [])
    found = collection.get(include=include)
    records = []
    for at, key in enumerate(found["ids"]):
        embedding = found["embeddings"][at] if with_embeddings else None
        uri = found["uris"][at] if found.get("uris") else None
        records.append(canonical_line(key, embedding, found["documents"][at], found["metadatas"][at], uri))
    return records


def effective_space(collection):
    """The space that distances show, or None when several fit."""
    count = collection.count()
    one = collection.get(limit=1, include=["embeddings"])["embeddings"] if count else []
    if len(one) == 0:
        return None
    choose = random.Random("probe")
    probe = [choose.gauss(0, 3) for _ in one[0]]
    found = collection.query(query_embeddings=[probe], n_results=min(count, 5), include=["embeddings", "distances"])

    def distances(vector):
        dot = sum(a * float(b) for a, b in zip(probe, vector))
        norms = (sum(a * a for a in probe) * sum(float(b) ** 2 for b in vector)) ** 0.5
        return {"l2": sum((a - float(b)) ** 2 for a, b in zip(probe, vector)), "ip": 1 - dot, "cosine": 1 - dot / norms if norms else 1.0}

    fitting = {"l2", "ip", "cosine"}
    for vector, distance in zip(found["embeddings"][0], found["distances"][0]):
        for space, expected in distances(vector).items():
            if abs(expected - distance) > 1e-3 * max(1.0, abs(expected)):
                fitting.discard(space)
    return fitting.pop() if len(fitting) == 1 else None


def answer_one(client, place, name):
    try:
        collection = client.get_collection(name, embedding_function=None)
    except Exception:
        return None
    answer = {"tenant": place[0], "database": place[1], "name": name, "id": str(collection.id), "metadata": collection.metadata}
    try:
        answer["records"] = lines_of(collection, True)
    except Exception as error:
        return {**answer, "error": f"{type(error).__name__}: {error}"[:300], "records": [], "space": None}
    try:
        answer["space"] = effective_space(collection)
    except Exception:
        answer["space"] = None
    return {**answer, "error": None}


def answer_all(directory, target):
    collections = []
    for place in places:
        try:
            client = client_for(directory, place)
        except Exception:
            # No such tenant or database here.
            continue
        collections += [answer for answer in (answer_one(client, place, name) for name in collection_names) if answer is not None]
    target.write_text(json.dumps(collections), encoding="utf-8")


def answer_without_index(directory, target):
    """Without its index files a Chroma that could not load them still answers everything but vectors."""
    for entry in directory.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
    collections = []
    for place in places:
        try:
            client = client_for(directory, place)
        except Exception:
            continue
        for name in collection_names:
            try:
                collection = client.get_collection(name, embedding_function=None)
                collections.append({"id": str(collection.id), "records": lines_of(collection, False)})
            except Exception:
                pass
    target.write_text(json.dumps(collections), encoding="utf-8")


def asked(folder, ask):
    copy, target = folder / "asked", folder / "asked.json"
    shutil.copytree(folder / "data", copy)
    status = ended(forked(lambda: ask(copy, target)))
    shutil.rmtree(copy)
    answers = json.loads(target.read_text(encoding="utf-8")) if status == 0 else None
    target.unlink(missing_ok=True)
    return answers


def journal_of(folder):
    lines = []
    for line in (folder / "journal.jsonl").read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            # The last line of a killed writer.
            pass
    return lines


def given_vectors(journal):
    given = {}
    for entry in journal:
        if "vector" in entry:
            given.setdefault(entry["collection"], {}).setdefault(entry["id"], []).append(entry["vector"])
    return given


def make(folder, seed):
    folder.mkdir(parents=True)
    killed = write(folder, seed)
    # A writer may be killed before it has made anything.
    (folder / "data").mkdir(exist_ok=True)
    collections = asked(folder, answer_all)
    if collections is None:
        raise RuntimeError(f"no answers for seed {seed}")
    if any(answer["error"] for answer in collections):
        rest = {answer["id"]: answer["records"] for answer in asked(folder, answer_without_index) or []}
        for answer in collections:
            if answer["error"]:
                answer["records"] = rest.get(answer["id"], [])
    journal = journal_of(folder)
    given = given_vectors(journal)
    for answer in collections:
        answer["given"] = given.get(answer["id"], {})
    (folder / "journal.jsonl").unlink()
    order = "id" if version < (0, 5) else "row"
    result = {"version": chromadb.__version__, "killed": killed, "poisoned": any("poisoned" in entry for entry in journal), "order": order, "collections": collections}
    (folder / "answers.json").write_text(json.dumps(result, ensure_ascii=False), encoding="utf-8")


def main():
    # Warnings about ids that exist, and about telemetry that is switched off.
    logging.disable(logging.CRITICAL)
    folder = pathlib.Path(sys.argv[1])
    for seed in sys.argv[2:]:
        make(folder / seed, int(seed))
    print(chromadb.__version__)


if __name__ == "__main__":
    main()
