"""Prints, as JSON, what langchain-postgres finds in a database that repot filled.

usage: pgvector_answers.py < {"url", "collection", "strategy", "user", "ids", "probes": [vector], "neighbours"}
Metadata values are given as Python writes them, so that 1, 1.0, True and "1" stay four different values.
"""

import json
import sys

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
        "records": [shown(document) for document in store.get_by_ids(asked["ids"])],
        "unknown": [shown(document) for document in store.get_by_ids(["no such id"])],
    },
    sys.stdout,
)
