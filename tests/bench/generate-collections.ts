import { createHash } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type BetterSqlite from 'better-sqlite3';
import { Database } from '../../services/sqlite/engine.js';

export interface GeneratedCollections {
	readonly path: string;
	/** Rows of all three tables together. */
	readonly rows: number;
	/** Size of the file, indexes included. */
	readonly bytes: number;
}

const schema = `
CREATE TABLE items (id TEXT PRIMARY KEY, filename TEXT NOT NULL, original_filename TEXT, file_path TEXT NOT NULL, file_size INTEGER, mime_type TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE analyses (id TEXT PRIMARY KEY, item_id TEXT NOT NULL, version INTEGER NOT NULL DEFAULT 1, category TEXT, summary TEXT, raw_response TEXT, provider_used TEXT, model_used TEXT, trace_id TEXT, created_at TEXT NOT NULL, FOREIGN KEY (item_id) REFERENCES items(id) ON DELETE CASCADE);
CREATE TABLE embeddings (id TEXT PRIMARY KEY, item_id TEXT NOT NULL, analysis_id TEXT NOT NULL, embedding_model TEXT NOT NULL, embedding_dimensions INTEGER NOT NULL, embedding_source TEXT NOT NULL, created_at TEXT NOT NULL, FOREIGN KEY (item_id) REFERENCES items(id) ON DELETE CASCADE, FOREIGN KEY (analysis_id) REFERENCES analyses(id) ON DELETE CASCADE);
`;

const indexes = `
CREATE INDEX idx_analyses_item_id ON analyses(item_id);
CREATE INDEX idx_analyses_category ON analyses(category);
CREATE INDEX idx_embeddings_item_id ON embeddings(item_id);
CREATE INDEX idx_embeddings_analysis_id ON embeddings(analysis_id);
`;

const words =
	'amber arch autumn balcony bamboo basil beach bicycle blossom bridge canvas cedar ceramic city cliff cloud coast copper cotton courtyard dawn desert dune ember fern field forest garden glacier glass grove harbour hazel hill indigo island ivory jade kitchen lagoon lake lantern linen maple market meadow mist moss mountain oak ocean olive orchard paper path pebble pine poppy porcelain quartz rain reed ridge river road rose saffron sand sea shade shore silk sky slate snow spring stone stream street sunset temple terrace tide timber tower trail valley velvet village walnut waterfall willow winter'.split(
		' ',
	);
const accented = ['café', 'jardín', 'Straße', 'façade', '茶室', '庭園', 'Ελιά'];
const categories = ['Architecture', 'Food', 'Furniture', 'Nature', 'Outdoors', 'Photography', 'Travel', 'Vintage'];
const emotions = ['awe', 'calm', 'curiosity', 'excitement', 'joy', 'nostalgia'];

/** xorshift32: small, seeded and the same on every machine. */
const randomizer = (seed: number): ((below: number) => number) => {
	let state = seed | 0 || 1;
	return (below) => {
		state ^= state << 13;
		state ^= state >>> 17;
		state ^= state << 5;
		return (state >>> 0) % below;
	};
};

const uuid = (kind: string, seed: number, number: number): string => {
	const hex = createHash('md5').update(`${kind}/${seed}/${number}`).digest('hex');
	return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
};

const pad = (number: number, digits: number): string => String(number).padStart(digits, '0');

/** ISO 8601 in the forms that the application's versions wrote: bare, with a fraction, with Z. */
const timestamp = (random: (below: number) => number): string => {
	const day = `20${22 + random(4)}-${pad(1 + random(12), 2)}-${pad(1 + random(28), 2)}`;
	const time = `${pad(random(24), 2)}:${pad(random(60), 2)}:${pad(random(60), 2)}`;
	const tail = ['', '', '', `.${pad(random(1_000_000), 6)}`, 'Z'][random(5)];
	return `${day}T${time}${tail}`;
};

const phrase = (random: (below: number) => number, count: number): string =>
	Array.from({ length: count }, () => (random(40) === 0 ? accented[random(accented.length)] : words[random(words.length)])).join(' ');

function analysis(random: (below: number) => number, category: string, summary: string): string {
	return JSON.stringify({
		category,
		subcategories: [phrase(random, 1), phrase(random, 1)],
		headline: phrase(random, 6),
		summary,
		media_metadata: { original_poster: phrase(random, 2), hashtags: [phrase(random, 1), phrase(random, 1)], audio_source: null },
		image_details: {
			extracted_text: [phrase(random, 4), `"${phrase(random, 2)}"`, `${phrase(random, 2)}\n${phrase(random, 2)}`],
			objects: [phrase(random, 2), phrase(random, 2)],
			emotions: [emotions[random(emotions.length)], emotions[random(emotions.length)]],
			likely_source: random(2) === 0 ? 'camera' : 'screenshot',
			confidence: random(1000) / 1000,
		},
		tokens: { input: 900 + random(400), output: 200 + random(200) },
	});
}

/**
 * Writes a database of the collections schema: `items` items with one analysis and one embedding each. The same items and seed give
 * the same rows on every machine. 200,000 items make 600,000 rows and about 240 MB of values. An existing file is replaced.
 */
export function generateCollections(path: string, options: { readonly items?: number; readonly seed?: number } = {}): GeneratedCollections {
	const items = options.items ?? 200_000;
	const seed = options.seed ?? 7;
	rmSync(path, { force: true });
	const database = new Database(path);
	try {
		database.pragma('journal_mode = OFF');
		database.pragma('synchronous = OFF');
		database.exec(schema);
		database.transaction(() => fill(database, items, seed))();
		database.exec(indexes);
	} finally {
		database.close();
	}
	return { path, rows: items * 3, bytes: statSync(path).size };
}

function fill(database: BetterSqlite.Database, items: number, seed: number): void {
	const random = randomizer(seed);
	const item = database.prepare('INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
	const result = database.prepare('INSERT INTO analyses VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
	const embedding = database.prepare('INSERT INTO embeddings VALUES (?, ?, ?, ?, ?, ?, ?)');
	for (let number = 0; number < items; number++) {
		const id = uuid('item', seed, number);
		const analysisId = uuid('analysis', seed, number);
		const created = timestamp(random);
		const size = random(10) === 0 ? null : 10_000 + random(5_000_000);
		item.run(id, `${id}.jpg`, phrase(random, 2), `data/images/${id}.jpg`, size, 'image/jpeg', created, timestamp(random));
		const category = categories[random(categories.length)] ?? 'Travel';
		const summary = phrase(random, 10);
		const trace = random(4) === 0 ? uuid('trace', seed, number) : null;
		const response = analysis(random, category, summary);
		result.run(analysisId, id, 1 + random(3), category, summary, response, 'anthropic', 'claude-sonnet-4-5', trace, created);
		const source = JSON.stringify({ fields: ['summary', 'headline', 'category'], document: summary });
		embedding.run(uuid('embedding', seed, number), id, analysisId, 'voyage-3.5-lite', 1024, source, created);
	}
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
	const { values, positionals } = parseArgs({
		options: { items: { type: 'string', default: '200000' }, seed: { type: 'string', default: '7' } },
		allowPositionals: true,
	});
	const made = generateCollections(positionals[0] ?? 'collections.db', { items: Number(values.items), seed: Number(values.seed) });
	process.stdout.write(`${made.path}: ${made.rows} rows, ${(made.bytes / 1e6).toFixed(0)} MB\n`);
}
