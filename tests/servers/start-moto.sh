#!/usr/bin/env bash
# Starts a throw-away moto server (AWS in its own protocols) for the test suites and prints what a shell needs to use and stop it:
#
#   eval "$(tests/servers/start-moto.sh ~/venv/bin/python)"     # -> REPOT_TEST_AWS_ENDPOINT, _PID, _LOG and REPOT_TEST_MOTO_PYTHON
#   kill "$REPOT_TEST_AWS_PID"; rm -f "$REPOT_TEST_AWS_LOG"
#
# It listens on 127.0.0.1 at a free port and holds everything in memory. The Python is the argument or REPOT_TEST_MOTO_PYTHON; it needs what
# tests/servers/moto-requirements.txt names.
set -euo pipefail

fail() { printf 'start-moto: %s\n' "$*" >&2; exit 1; }

python=${1:-${REPOT_TEST_MOTO_PYTHON:-}}
[ -n "$python" ] || fail 'name a Python with moto[server], as the argument or in REPOT_TEST_MOTO_PYTHON'
"$python" -c 'import moto.server' 2>/dev/null || fail "$python has no moto[server]"

port=$(node -e 'const s = require("node:net").createServer(); s.listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); });')
log=$(mktemp "${TMPDIR:-/tmp}/repot-moto.XXXXXX")
"$python" -m moto.server -H 127.0.0.1 -p "$port" >"$log" 2>&1 </dev/null &
pid=$!
for _ in $(seq 300); do
	if node -e 'fetch(process.argv[1]).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))' "http://127.0.0.1:$port/moto-api/data.json"; then
		printf 'export REPOT_TEST_AWS_ENDPOINT=%q REPOT_TEST_AWS_PID=%q REPOT_TEST_AWS_LOG=%q REPOT_TEST_MOTO_PYTHON=%q\n' \
			"http://127.0.0.1:$port" "$pid" "$log" "$python"
		exit 0
	fi
	kill -0 "$pid" 2>/dev/null || { tail -20 "$log" >&2; fail 'the server ended'; }
	sleep 0.1
done
kill "$pid" 2>/dev/null
fail 'the server did not answer within its time'
