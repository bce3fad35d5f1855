"""Prints, as JSON, what langchain-postgres finds in a database that repot filled.

usage: pgvector_answers.py < {"url", "collection", "strategy", "user", "ids", "probes": [vector], "filters": [a filter or null for each], "neighbours", "rule"?}
`ids` are Chroma's; `rule` (prefix or uuid) says what the migration made of them.
Metadata values are given as Python writes them, so that 1, 1.0, True and "1" stay four different values.
"""

import json
import sys
import uuid

from langchain_core.embeddings import Embeddings
from langchain_postgres import PGVector
from sqlalchemy import create_engine, event


class NoModel(Embeddings):
    """Searches here are by vector: nothing may ask for a text's embedding."""

    def embed_documents(self, texts):
        raise AssertionError("no text is embedded here")

    def embed_query(self, text):
        raise AssertionError("no text is embedded here")


asked = json.load(sys.stdin)
engine = create_engine(asked["url"].replace("postgresql://", "postgresql+psycopg://", 1))


@event.listens_for(engine, "connect")
def look_at_every_candidate(connection, _record):
    # An approximate index must not decide whether this comparison holds.
    connection.execute("SET hnsw.ef_search = 1000")
    connection.commit()


# As an application opens it, except that nothing may be created: what is missing must fail.
store = PGVector(
    embeddings=NoModel(),
    connection=engine,
    collection_name=asked["collection"],
    distance_strategy=asked["strategy"],
    use_jsonb=True,
    create_extension=False,
)


def id_in_target(key):
    """An id by the rule of --on-id-collision, computed here by Python's own uuid."""
    rule = asked.get("rule")
    if rule is None:
        return key
    if rule == "prefix":
        return f"{asked['collection']}/{key}"
    with store._make_sync_session() as session:
        return str(uuid.uuid5(uuid.UUID(str(store.get_collection(session).uuid)), key))


def shown(document):
    return {"id": document.id, "document": document.page_content, "metadata": {name: repr(value) for name, value in document.metadata.items()}}


def search(vector, **filters):
    hits = store.similarity_search_with_score_by_vector(vector, k=asked["neighbours"], **filters)
    return [{**shown(document), "distance": distance} for document, distance in hits]


json.dump(
    {
        "searches": [search(vector) for vector in asked["probes"]],
        "filtered": [search(vector, filter={"user_id": asked["user"]}) for vector in asked["probes"]],
        "foreign": [search(vector, filter={"user_id": asked["user"] + "-other"}) for vector in asked["probes"]],
        "narrowed": [None if where is None else search(vector, filter=where) for vector, where in zip(asked["probes"], asked["filters"])],
        "records": [shown(document) for document in store.get_by_ids([id_in_target(key) for key in asked["ids"]])],
        "unknown": [shown(document) for document in store.get_by_ids(["no such id"])],
    },
    sys.stdout,
)
