#!/usr/bin/env bash
# Makes a Python virtual environment for each Chroma release that the suites in tests/chroma write with, and prints what a shell needs to use them:
#
#   eval "$(tests/chroma/make-environments.sh)"     # -> REPOT_TEST_CHROMA_0_4, _0_5, _0_6, _1_5: the python of each
#
# They are made once, under ${REPOT_CI_CACHE:-~/.cache/repot-ci}/chroma-VERSION (about half a minute and 400 MB each), and need Python 3.9 to 3.12 with venv.
# REPOT_PYTHON names another python3 to make them with.
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }

cache=${REPOT_CI_CACHE:-$HOME/.cache/repot-ci}
python=${REPOT_PYTHON:-python3}

make_environment() { # release, further requirement or nothing
	local home=$cache/chroma-$1
	if [ ! -e "$home/.complete" ]; then
		say "installing chromadb $1 (once)"
		rm -rf "$home"
		mkdir -p "$cache"
		"$python" -m venv "$home"
		"$home/bin/python" -m pip install --quiet "chromadb==$1" ${2:+"$2"} >&2
		touch "$home/.complete"
	fi
	[ "$("$home/bin/python" -c 'import chromadb; print(chromadb.__version__)' 2>/dev/null)" = "$1" ] ||
		{ say "chromadb $1 does not load in $home"; exit 1; }
	echo "export REPOT_TEST_CHROMA_$(cut -d. -f1,2 <<<"$1" | tr . _)=$home/bin/python"
}

make_environment 0.4.24 'numpy<2'
make_environment 0.5.23 'numpy<2'
make_environment 0.6.3 'numpy<2'
make_environment 1.5.9
