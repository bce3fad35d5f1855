"""Makes tests/fixtures/chroma/recorded: small directories that real Chromas wrote, with their answers, for the test that always runs.

    eval "$(tests/chroma/make-environments.sh)"
    for python in $REPOT_TEST_CHROMA_0_4 $REPOT_TEST_CHROMA_0_5 $REPOT_TEST_CHROMA_0_6 $REPOT_TEST_CHROMA_1_5; do $python tests/chroma/make-recorded.py; done

Run by maintainers only; the results are committed. Each is VERSION-SEED.tar.gz with what chroma_directories.py makes for that seed: data/ and answers.json.
Ids of collections, times and the moment at which a process was killed by the clock differ from run to run.
"""

import gzip
import logging
import pathlib
import sys
import tarfile
import tempfile

import chromadb

from chroma_directories import make

recorded = pathlib.Path(__file__).parent.parent / "fixtures" / "chroma" / "recorded"
# Small ones that show: every space, index and log, several databases, killed writers, what a Chroma cannot answer.
seeds = {
    "0.4.24": (1, 3, 14, 18, 20, 27, 33, 38, 39, 200, 241),
    "0.5.23": (1, 2, 3, 18, 25, 27, 32, 33, 35, 36, 39),
    "0.6.3": (1, 4, 18, 21, 22, 32, 36, 39, 200),
    "1.5.9": (3, 6, 9, 10, 19, 27, 32, 37, 38, 131, 241),
}


def anonymous(entry):
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = 0
    return entry


def record(folder, seed, target):
    make(folder, seed)
    with gzip.GzipFile(target, "wb", compresslevel=9, mtime=0) as packed, tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in ("answers.json", "data"):
            archive.add(folder / name, name, filter=anonymous)


def main():
    logging.disable(logging.CRITICAL)
    recorded.mkdir(exist_ok=True)
    chosen = [int(seed) for seed in sys.argv[1:]] or seeds[chromadb.__version__]
    with tempfile.TemporaryDirectory() as scratch:
        for seed in chosen:
            record(pathlib.Path(scratch) / str(seed), seed, recorded / f"{chromadb.__version__}-{seed}.tar.gz")


if __name__ == "__main__":
    main()
