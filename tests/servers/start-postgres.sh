#!/usr/bin/env bash
# Starts a throw-away PostgreSQL for the test suites and prints what a shell needs to use and stop it:
#
#   eval "$(tests/servers/start-postgres.sh)"            # PostgreSQL 16+ with pgvector -> REPOT_TEST_POSTGRES_URL, _PID, _DATA, _CA
#   eval "$(tests/servers/start-postgres.sh --plain)"    # PostgreSQL without pgvector  -> REPOT_TEST_POSTGRES_PLAIN_URL, _PLAIN_PID, _PLAIN_DATA
#   kill -INT "$REPOT_TEST_POSTGRES_PID"; rm -rf "$REPOT_TEST_POSTGRES_DATA"
#
# It listens on 127.0.0.1 at a free port. The superuser `postgres` needs no password; the role `limited` (password `limited`)
# and its members log in by password; it owns nothing. The first one offers TLS with a certificate for `localhost` and `db.repot.test`, made here by
# openssl and issued by the authority in _CA; the plain one offers none. A PostgreSQL 16+ with pgvector that is installed here is used; without one, as root on
# a Debian-like system, a Debian 13 root with both is made once by debootstrap under ${REPOT_CI_CACHE:-~/.cache/repot-ci}/trixie.
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }
fail() { say "start-postgres: $*"; exit 1; }

mode=pgvector
[ "${1:-}" = --plain ] && mode=plain

# Directory of the newest installed server that has (or, for --plain, lacks) pgvector.
find_local() {
	local bin version share
	for bin in $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin 2>/dev/null | sort -rV) "$(dirname "$(command -v postgres 2>/dev/null || echo /nowhere/postgres)")"; do
		[ -x "$bin/initdb" ] || continue
		version=$("$bin/postgres" --version | grep -oE '[0-9]+' | head -1)
		# Debian's server packages carry no pg_config; their extensions are in /usr/share/postgresql/N.
		share=/usr/share/postgresql/$version
		[ -d "$share/extension" ] || share=$("$bin/pg_config" --sharedir 2>/dev/null || echo /nowhere)
		if [ "$mode" = pgvector ]; then
			if [ "$version" -ge 16 ] && [ -e "$share/extension/vector.control" ]; then echo "$bin"; return; fi
		elif [ "$version" -ge 13 ] && [ ! -e "$share/extension/vector.control" ]; then echo "$bin"; return; fi
	done
}

free_port() {
	node -e 'const s = require("node:net").createServer(); s.listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); });'
}

prepare_root() {
	[ "$(id -u)" = 0 ] || fail 'no PostgreSQL 16+ with pgvector is installed, and making a Debian root for it needs root'
	mkdir -p "$(dirname "$root")"
	exec 9>"$root.lock"
	flock 9
	if [ ! -e "$root/.complete" ] && [ ! -x "$root/usr/lib/postgresql/17/bin/postgres" ]; then
		command -v debootstrap >/dev/null || fail 'debootstrap is not installed (apt-get install debootstrap)'
		local mirror
		mirror=$(apt-cache policy base-files | grep -oE 'https?://[^ ]+' | head -1)
		[ -n "$mirror" ] || fail "no Debian mirror in this machine's apt sources"
		say 'making a Debian 13 root with PostgreSQL 17 and pgvector (once, about a minute)'
		rm -rf "$root"
		debootstrap --variant=minbase --include=postgresql-17,postgresql-17-pgvector trixie "$root" "$mirror" >"$root.log" 2>&1 ||
			{ tail -5 "$root.log" >&2; fail 'debootstrap failed'; }
		touch "$root/.complete"
	fi
	[ -e "$root/dev/null" ] || mknod -m 666 "$root/dev/null" c 1 3
	[ -e "$root/dev/urandom" ] || mknod -m 666 "$root/dev/urandom" c 1 9
	mkdir -p "$root/dev/shm"
	grep -q " $root/proc " /proc/mounts || mount --bind /proc "$root/proc" 2>/dev/null || true
	grep -q " $root/dev/shm " /proc/mounts || mount -t tmpfs tmpfs "$root/dev/shm" 2>/dev/null || true
	# Where nothing may be mounted, shared memory is kept in files instead.
	grep -q " $root/dev/shm " /proc/mounts || shared_memory=mmap
	exec 9>&-
}

# An authority of its own, and a certificate that does not name 127.0.0.1: under that name verify-full has to refuse it.
make_certificate() {
	local tls=$data/tls
	mkdir "$tls"
	openssl ecparam -name prime256v1 -genkey -noout -out "$tls/ca.key"
	openssl req -x509 -new -key "$tls/ca.key" -subj '/CN=repot test authority' -days 30 -out "$tls/ca.crt"
	openssl ecparam -name prime256v1 -genkey -noout -out "$tls/server.key"
	openssl req -new -key "$tls/server.key" -subj '/CN=localhost' -out "$tls/server.csr"
	echo 'subjectAltName = DNS:localhost, DNS:db.repot.test' >"$tls/names.cnf"
	openssl x509 -req -in "$tls/server.csr" -CA "$tls/ca.crt" -CAkey "$tls/ca.key" -CAcreateserial -days 30 -extfile "$tls/names.cnf" -out "$tls/server.crt"
	chmod 600 "$tls/server.key"
	[ "$(id -u)" != 0 ] || chown --reference="$data/data" -R "$tls"
}

shared_memory=posix
root=${REPOT_CI_CACHE:-$HOME/.cache/repot-ci}/trixie
bin=$(find_local)
if [ -n "$bin" ]; then
	data=$(mktemp -d "${TMPDIR:-/tmp}/repot-postgres.XXXXXX")
	inside=$data
	if [ "$(id -u)" = 0 ]; then
		chown postgres "$data"
		as() { (cd / && setpriv --reuid postgres --regid postgres --clear-groups "$@"); }
	else
		as() { "$@"; }
	fi
elif [ "$mode" = pgvector ]; then
	prepare_root
	bin=/usr/lib/postgresql/17/bin
	data=$(mktemp -d "$root/tmp/repot-postgres.XXXXXX")
	inside=${data#"$root"}
	chroot "$root" chown postgres "$inside"
	as() { chroot --userspec=postgres "$root" "$@"; }
else
	fail 'no PostgreSQL 13+ without pgvector is installed'
fi

as "$bin/initdb" -D "$inside/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 >"$data/initdb.log" 2>&1 || { tail -5 "$data/initdb.log" >&2; fail 'initdb failed'; }
cat >"$data/data/pg_hba.conf" <<HBA
local all all trust
host all +limited 127.0.0.1/32 scram-sha-256
host all forbidden 127.0.0.1/32 reject
host all all 127.0.0.1/32 trust
HBA
tls=()
if [ "$mode" = pgvector ]; then
	command -v openssl >/dev/null || fail 'openssl is not installed'
	make_certificate >"$data/openssl.log" 2>&1 || { tail -5 "$data/openssl.log" >&2; fail 'openssl could not make a certificate'; }
	tls=(-c ssl=on -c ssl_cert_file="$inside/tls/server.crt" -c ssl_key_file="$inside/tls/server.key")
fi
port=$(free_port)
# -l: otherwise the server keeps the caller's pipe open.
as "$bin/pg_ctl" -D "$inside/data" -l "$inside/server.log" -w -t 60 \
	-o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$inside -c dynamic_shared_memory_type=$shared_memory -c fsync=off -c max_connections=60 ${tls[*]}" \
	start >"$data/start.log" 2>&1 || { tail -5 "$data/server.log" >&2; fail 'the server did not start'; }
as "$bin/psql" -q -h "$inside" -p "$port" -U postgres -d postgres -c "CREATE ROLE limited LOGIN PASSWORD 'limited'" -c 'CREATE ROLE forbidden LOGIN' >&2

name=REPOT_TEST_POSTGRES
[ "$mode" = plain ] && name=REPOT_TEST_POSTGRES_PLAIN
echo "export ${name}_URL=postgresql://postgres@127.0.0.1:$port/postgres"
echo "export ${name}_PID=$(head -1 "$data/data/postmaster.pid")"
echo "export ${name}_DATA=$data"
[ "$mode" = plain ] || echo "export ${name}_CA=$data/tls/ca.crt"
