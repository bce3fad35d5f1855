"""Makes the demo data that `repot demo` copies: data/collections_demo.db and data/chroma_demo.

    python -m venv venv && venv/bin/pip install chromadb==1.5.9 && venv/bin/python source/demo/make-demo-data.py

Run by maintainers only; the result is committed, because making it needs a real Chroma (1.5.9) and Python, which the product does not.

What it is: one person's collection of 240 saved pictures (furniture, outdoor places, food, vintage items, landscapes, receipts, plants,
buildings), each with an analysis and an embedding row, and a Chroma collection `collections_vectors_demo` (cosine, 256 dimensions) of the same
240. Everything is synthetic: no real person, place of business or brand. All ids, texts, dates and vectors follow from fixed seeds; only Chroma's own
ids (collection, segments) and times differ from run to run. Vectors of one category are near each other, those of one subject nearer, and none
is normalised. 160 of them reach Chroma's HNSW files, the other 80 stay in its write-ahead log: both paths are read in every demo.
"""

import datetime
import json
import math
import pathlib
import random
import shutil
import sqlite3
import struct
import uuid

import chromadb

here = pathlib.Path(__file__).parent
data = here / "data"
namespace = uuid.UUID("6f1d9f0e-30c5-5e0b-9a36-0d0c6c1f5a11")
dimension = 256
collection_name = "collections_vectors_demo"
persisted = 160

# category: (subcategories, themes, settings, then per subject: headline stem, objects, one visible detail)
categories = {
    "Furniture": (
        ["Home", "Interior", "Design"],
        ["modern furniture", "interior design", "small flats"],
        ["in a bright living room", "against a lime-washed wall", "beside a tall window", "in a narrow hallway", "on a pale wool rug"],
        [
            ("Low oak sideboard with sliding doors", ["sideboard", "ceramic bowl", "table lamp"], "reeded door fronts and a recessed base"),
            ("Curved two-seat sofa in moss green", ["sofa", "round cushion", "floor lamp"], "a single continuous backrest without seams"),
            ("Stackable ash dining chairs", ["four chairs", "dining table", "pendant light"], "legs that taper towards the floor"),
            ("Wall-hung writing desk with a drop leaf", ["desk", "notebook", "brass hooks"], "a leaf held by two leather straps"),
            ("Modular birch shelving", ["shelves", "paperbacks", "storage boxes"], "visible finger joints at every corner"),
            ("Cane-back lounge chair", ["lounge chair", "side table", "linen throw"], "woven cane that lets the light through"),
        ],
    ),
    "Outdoors": (
        ["Activities", "Weekend", "Routes"],
        ["outdoor activities", "day trips", "fresh air"],
        ["in early morning fog", "on the first warm weekend", "after a night of rain", "under a clear winter sky", "just before sunset"],
        [
            ("Ridge walk with a timber lookout", ["wooden tower", "signpost", "backpack"], "a painted marker with a yellow diamond"),
            ("Canoe landing at a quiet bend of the river", ["two canoes", "paddles", "gravel bank"], "a rope looped around an alder root"),
            ("Gravel cycling loop through orchards", ["bicycle", "apple trees", "farm track"], "a hand-lettered board: 14 km, easy"),
            ("Bouldering spot below the old quarry", ["sandstone block", "crash pad", "chalk marks"], "a chalked line up the left edge"),
            ("Open-air swimming place with wooden steps", ["wooden steps", "towels", "reed belt"], "a thermometer that reads 21 °C"),
            ("Camp kitchen under a canvas tarp", ["camp stove", "enamel mugs", "tarp"], "a kettle hanging from a tripod"),
        ],
    ),
    "Food": (
        ["Recipes", "Photography", "Kitchen"],
        ["food photography", "home cooking", "seasonal ingredients"],
        ["on a slate board", "shot from above", "with soft side light", "on a blue linen cloth", "at a crowded kitchen table"],
        [
            ("Blistered tomato tart with thyme", ["tart", "cherry tomatoes", "thyme"], "pastry edges folded by hand"),
            ("Ramen bowl with a marbled egg", ["noodle bowl", "egg", "spring onion"], "a slick of chilli oil in a half circle"),
            ("Sourdough loaf with a leaf pattern", ["loaf", "bread knife", "flour"], "a scored leaf that opened in the oven"),
            ("Citrus salad with fennel and olives", ["orange slices", "fennel", "olives"], "paper-thin fennel curls"),
            ("Mushroom risotto, step by step", ["risotto", "wooden spoon", "dried mushrooms"], "four small pictures with times: 2, 8, 15, 18 min"),
            ("Plum crumble in an enamel dish", ["crumble", "plums", "enamel dish"], "syrup that bubbled over the rim"),
        ],
    ),
    "Vintage": (
        ["Flea market", "Objects", "Repair"],
        ["vintage items", "collecting", "patina"],
        ["on a flea-market table", "on brown wrapping paper", "in a glass cabinet", "on a workbench", "next to a folding ruler"],
        [
            ("Bakelite table radio with a cloth front", ["radio", "rotary dial", "cloth grille"], "a dial lettered with city names"),
            ("Travel typewriter in a grey case", ["typewriter", "carrying case", "ribbon tin"], "a sticking letter e, noted on a tag"),
            ("Enamel kitchen scale with brass weights", ["scale", "brass weights", "tray"], "weights nested by size in a beech block"),
            ("Folding camera with leather bellows", ["camera", "leather bellows", "lens cap"], "a shutter scale from 1 to 1/250"),
            ("Set of six etched wine glasses", ["wine glasses", "paper labels"], "an etched vine, slightly different on each glass"),
            ("Cinema seat made of bent plywood", ["folding seat", "cast-iron legs", "number plate"], "an oval plate with the number 114"),
        ],
    ),
    "Landscapes": (
        ["Nature", "Seasons", "Views"],
        ["nature scenes", "wide views", "changing light"],
        ["at first light", "in late autumn", "with low clouds", "after fresh snow", "in the long light of June"],
        [
            ("Mountain lake with a mirrored larch forest", ["lake", "larches", "scree slope"], "a reflection broken by one line of wind"),
            ("Dunes and marram grass along an empty beach", ["dunes", "marram grass", "sand fence"], "tracks of a bird that turns back"),
            ("Terraced hills with a single cypress", ["terraces", "cypress", "stone wall"], "a path drawn like a thread between the fields"),
            ("Waterfall in a mossy gorge", ["waterfall", "moss", "basalt columns"], "spray that hides the lower third"),
            ("Heather moor under a rainbow", ["heather", "rainbow", "peat pool"], "a second, fainter bow above the first"),
            ("Winter birches at the edge of a field", ["birches", "snow", "fence posts"], "long blue shadows that meet in a point"),
        ],
    ),
    "Receipts": (
        ["Expenses", "Documents", "Household"],
        ["household budget", "warranty", "tax papers"],
        ["flattened under glass", "slightly crumpled", "photographed on a desk", "with a handwritten note", "folded once"],
        [
            ("Hardware shop receipt for paint and rollers", ["till receipt", "paper clip"], "total 48,30 with two items returned"),
            ("Bicycle workshop invoice", ["invoice", "stamp"], "new chain and cassette, 24 months of warranty"),
            ("Train tickets to the coast", ["two tickets", "seat reservation"], "coach 7, seats 41 and 42"),
            ("Weekly market receipt", ["till receipt", "shopping list"], "eleven lines, total 36,85"),
            ("Library card renewal slip", ["slip", "barcode"], "valid until the end of the year"),
            ("Garden centre receipt for soil and seeds", ["till receipt", "seed packet"], "peat-free soil, 3 x 40 l"),
        ],
    ),
    "Plants": (
        ["Garden", "Indoor", "Care"],
        ["plant care", "balcony garden", "propagation"],
        ["on a north-facing sill", "in a terracotta pot", "in the greenhouse", "on the balcony", "against white tiles"],
        [
            ("Monstera cutting with its first roots", ["cutting", "glass jar", "label"], "three roots, the longest about 4 cm"),
            ("Espaliered pear tree on a brick wall", ["pear tree", "wires", "brick wall"], "five tiers trained at right angles"),
            ("Window box with herbs", ["basil", "chives", "window box"], "a gap where the coriander went to seed"),
            ("Tomato seedlings, week four", ["seedlings", "paper pots", "tray"], "the second pair of true leaves"),
            ("Fern shelf with grow light", ["ferns", "shelf", "lamp"], "a timer set to 14 hours"),
            ("Rose after the spring pruning", ["rose", "secateurs", "gloves"], "a slanted cut just above an outward bud"),
        ],
    ),
    "Architecture": (
        ["Buildings", "Details", "City walks"],
        ["architecture", "facades", "materials"],
        ["seen from the courtyard", "in flat grey light", "reflected in a shop window", "from below", "at the blue hour"],
        [
            ("Spiral staircase of cast concrete", ["staircase", "handrail", "skylight"], "board marks that follow the curve"),
            ("Green-tiled corner house", ["tiled facade", "bay window", "street lamp"], "glazes in at least four greens"),
            ("Timber pavilion with a folded roof", ["pavilion", "timber columns", "gravel"], "rain led away along a single chain"),
            ("Brick water tower turned into flats", ["water tower", "balconies", "arches"], "new windows set deep behind the arches"),
            ("Glasshouse with iron ribs", ["glasshouse", "iron ribs", "palms"], "numbers cast into every rib"),
            ("Arcade with a mosaic floor", ["arcade", "mosaic", "lanterns"], "a worn path across the pattern"),
        ],
    ),
}

emotions = ["calm", "curious", "cheerful", "nostalgic", "inspired", "cosy", "focused", "adventurous"]
sources = ["Screenshot", "Camera", "Saved picture", "Scan"]
notes = ["keep for the flat — maybe in oak", "ask about the size", "try this weekend 🌿", "compare prices", "send to the family ❤", "for later"]


def identifier(kind, number):
    return str(uuid.uuid5(namespace, f"{kind} {number}"))


def moment(number):
    """ISO 8601 without an offset; every fourth without a fraction."""
    start = datetime.datetime(2025, 3, 1, 8, 15, 0)
    at = start + datetime.timedelta(hours=26 * number + number % 7, minutes=(number * 37) % 60, seconds=(number * 11) % 60)
    if number % 4 != 0:
        at += datetime.timedelta(microseconds=(number * 99_991) % 1_000_000 or 1)
    return at


def picture(number, category, subject, setting, source):
    subcategories, themes, settings, subjects = categories[category]
    stem, objects, detail = subjects[subject]
    place = settings[setting]
    headline = f"{stem} {place}"
    summary = f"{stem}, {place}. Visible: {', '.join(objects)}; notable is {detail}."
    noted = source.random() < 0.35
    response = {
        "category": category,
        "subcategories": subcategories[: 2 + number % 2],
        "headline": headline,
        "summary": summary,
        "tags": sorted({*(word.lower() for word in objects), category.lower()}),
        "confidence": round(0.62 + source.random() * 0.37, 3),
        "image_details": {
            "extracted_text": [source.choice(notes)] if noted else [],
            "objects": objects,
            "themes": themes,
            "emotions": source.sample(emotions, 2),
            "likely_source": source.choice(sources),
            "key_interest": detail[0].upper() + detail[1:],
            "visual_details": {"setting": place, "orientation": source.choice(["portrait", "landscape"]), "people": 0},
        },
    }
    details = response["image_details"]
    words = [summary, category, *response["subcategories"], *details["extracted_text"], *themes, *details["emotions"]]
    item = identifier("item", number)
    created = moment(number)
    changed = created if number % 3 else created + datetime.timedelta(days=2, seconds=5)
    return {
        "number": number,
        "item": item,
        "analysis": identifier("analysis", number),
        "embedding": identifier("embedding", number),
        "vector_id": identifier("vector", number),
        "filename": f"{item}.jpg",
        "original": f"IMG_{1200 + number * 3}.jpg" if number % 5 else None,
        "size": 180_000 + (number * 7919) % 2_400_000 if number % 6 else None,
        "created": created.isoformat(),
        "changed": changed.isoformat(),
        "category": category,
        "headline": headline,
        "summary": summary,
        "response": json.dumps(response, separators=(",", ":")),
        "document": " ".join(words),
    }


def pictures():
    source = random.Random("repot demo: pictures")
    cells = [(category, subject, setting) for category in categories for subject in range(6) for setting in range(5)]
    source.shuffle(cells)
    return [picture(number, category, subject, setting, source) for number, (category, subject, setting) in enumerate(cells)], cells


def gauss_vector(seed, scale):
    source = random.Random(f"repot demo: {seed}")
    return [source.gauss(0, scale) for _ in range(dimension)]


def float32(values):
    return list(struct.unpack(f"<{dimension}f", struct.pack(f"<{dimension}f", *values)))


def vector(number, category, subject):
    """Direction: category, then subject, then the picture's own share. Norm between 0.5 and 2."""
    parts = [gauss_vector(category, 1.0), gauss_vector(f"{category} {subject}", 0.6), gauss_vector(number, 0.45)]
    mixed = [sum(components) for components in zip(*parts)]
    norm = 0.5 * 4 ** random.Random(f"repot demo: norm {number}").random()
    length = math.sqrt(sum(component * component for component in mixed))
    return float32([component * norm / length for component in mixed])


def make_sqlite(records):
    path = data / "collections_demo.db"
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    database.executescript(
        """
        CREATE TABLE items (id TEXT PRIMARY KEY, filename TEXT NOT NULL, original_filename TEXT, file_path TEXT NOT NULL, file_size INTEGER, mime_type TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
        CREATE TABLE analyses (id TEXT PRIMARY KEY, item_id TEXT NOT NULL, version INTEGER NOT NULL DEFAULT 1, category TEXT, summary TEXT, raw_response TEXT, provider_used TEXT, model_used TEXT, trace_id TEXT, created_at TEXT NOT NULL, FOREIGN KEY (item_id) REFERENCES items(id) ON DELETE CASCADE);
        CREATE INDEX idx_analyses_item_id ON analyses(item_id);
        CREATE INDEX idx_analyses_category ON analyses(category);
        CREATE TABLE embeddings (id TEXT PRIMARY KEY, item_id TEXT NOT NULL, analysis_id TEXT NOT NULL, embedding_model TEXT NOT NULL, embedding_dimensions INTEGER NOT NULL, embedding_source TEXT NOT NULL, created_at TEXT NOT NULL, FOREIGN KEY (item_id) REFERENCES items(id) ON DELETE CASCADE, FOREIGN KEY (analysis_id) REFERENCES analyses(id) ON DELETE CASCADE);
        CREATE INDEX idx_embeddings_item_id ON embeddings(item_id);
        CREATE INDEX idx_embeddings_analysis_id ON embeddings(analysis_id);
        CREATE VIRTUAL TABLE items_fts USING fts5(item_id UNINDEXED, content, tokenize='unicode61 remove_diacritics 2');
        """
    )
    for record in records:
        name = record["filename"]
        database.execute(
            "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (record["item"], name, record["original"], f"data/images/{name}", record["size"], "image/jpeg", record["created"], record["changed"]),
        )
        database.execute(
            "INSERT INTO analyses VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(record["analysis"], record["item"], 2 if record["number"] % 9 == 0 else 1, record["category"], record["summary"], record["response"]),
                *("demo", "demo-vision-1", None, record["changed"]),
            ),
        )
        source = json.dumps({"fields": ["summary", "headline", "category"], "document": record["document"]}, ensure_ascii=False)
        database.execute(
            "INSERT INTO embeddings VALUES (?, ?, ?, ?, ?, ?, ?)",
            (record["embedding"], record["item"], record["analysis"], "demo-embedding-256", dimension, source, record["changed"]),
        )
        database.execute("INSERT INTO items_fts (item_id, content) VALUES (?, ?)", (record["item"], record["document"]))
    database.commit()
    database.execute("VACUUM")
    database.close()


def make_chroma(records, cells):
    directory = data / "chroma_demo"
    shutil.rmtree(directory, ignore_errors=True)
    client = chromadb.PersistentClient(path=str(directory))
    configuration = {"hnsw": {"space": "cosine", "sync_threshold": persisted, "batch_size": 50}}
    collection = client.create_collection(collection_name, configuration=configuration, embedding_function=None, metadata={"hnsw:space": "cosine"})
    for start, end in ((0, persisted), (persisted, len(records))):
        part = records[start:end]
        collection.upsert(
            ids=[record["vector_id"] for record in part],
            embeddings=[vector(record["number"], *cells[record["number"]][:2]) for record in part],
            documents=[record["document"] for record in part],
            metadatas=[
                {
                    "item_id": record["item"],
                    "category": record["category"],
                    "headline": record["headline"],
                    "summary": record["summary"],
                    "filename": record["filename"],
                    "image_url": f"/images/{record['filename']}",
                    "raw_response": record["response"],
                }
                for record in part
            ],
        )
    assert collection.count() == len(records)
    nearest = collection.query(query_embeddings=[vector(0, *cells[0][:2])], n_results=3)["ids"][0]
    assert nearest[0] == records[0]["vector_id"]
    return directory


def main():
    data.mkdir(exist_ok=True)
    records, cells = pictures()
    assert len(records) == 240 and len({record["headline"] for record in records}) == 240
    make_sqlite(records)
    directory = make_chroma(records, cells)
    # Chroma holds no transaction open between calls, so its database can be packed here.
    database = sqlite3.connect(directory / "chroma.sqlite3", isolation_level=None)
    database.execute("INSERT INTO embedding_fulltext_search(embedding_fulltext_search) VALUES ('optimize')")
    database.execute("VACUUM")
    database.close()
    total = sum(path.stat().st_size for path in data.rglob("*") if path.is_file())
    print(f"{len(records)} records, {total:,} bytes")
    assert total < 2_500_000, "the demo data must stay under 2.5 MB"


if __name__ == "__main__":
    main()
