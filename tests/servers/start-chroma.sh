#!/usr/bin/env bash
# Starts a throw-away Chroma server for the test suites and prints what a shell needs to use and stop it:
#
#   eval "$(tests/servers/start-chroma.sh)"     # -> REPOT_TEST_CHROMA_URL, _PID, _DATA
#   kill -KILL "$REPOT_TEST_CHROMA_PID"; rm -rf "$REPOT_TEST_CHROMA_DATA"
#
# It listens on 127.0.0.1 at a free port, over an empty directory. The server is that of the chromadb beside REPOT_TEST_PYTHON.
set -euo pipefail

fail() { printf 'start-chroma: %s\n' "$*" >&2; exit 1; }

[ -n "${REPOT_TEST_PYTHON:-}" ] || fail 'REPOT_TEST_PYTHON names no Python with chromadb'
program=$(dirname "$REPOT_TEST_PYTHON")/chroma
[ -x "$program" ] || fail "$program is not there"

port=$(node -e 'const s = require("node:net").createServer(); s.listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); });')
data=$(mktemp -d "${TMPDIR:-/tmp}/repot-chroma.XXXXXX")
mkdir "$data/data"
(cd "$data" && exec "$program" run --path "$data/data" --host 127.0.0.1 --port "$port") >"$data/log" 2>&1 </dev/null &
pid=$!
for _ in $(seq 300); do
	if node -e 'fetch(process.argv[1]).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))' "http://127.0.0.1:$port/api/v2/heartbeat"; then
		printf 'export REPOT_TEST_CHROMA_URL=%q REPOT_TEST_CHROMA_PID=%q REPOT_TEST_CHROMA_DATA=%q\n' "http://127.0.0.1:$port" "$pid" "$data"
		exit 0
	fi
	kill -0 "$pid" 2>/dev/null || { tail -20 "$data/log" >&2; fail 'the server ended'; }
	sleep 0.1
done
kill -KILL "$pid" 2>/dev/null
fail 'the server did not answer within its time'
