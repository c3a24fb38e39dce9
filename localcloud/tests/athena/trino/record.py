"""Asks Trino for the answers to the queries of queries.json and writes them there.

Run by hand when a query was added: ``python tests/athena/trino/record.py [BUILD_FOLDER]``. A query is one line:
``sql``; ``about`` where a subject begins; ``refused`` where the local engine refuses what Trino answers, with a text
of its message. The rest of the line is Trino's: ``types`` and ``rows``, or ``error``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from localcloud.testing.trino import ask_trino

QUERIES = Path(__file__).with_name("queries.json")
OURS = ("about", "sql", "refused")


def main() -> None:
    """Write the answers anew."""
    build = Path(sys.argv[1] if len(sys.argv) > 1 else "build/trino").resolve()
    queries = [{key: one[key] for key in OURS if key in one} for one in json.loads(QUERIES.read_text())]
    answers = ask_trino([one["sql"] for one in queries], build)
    lines = [json.dumps(one | answer, ensure_ascii=False) for one, answer in zip(queries, answers, strict=True)]
    QUERIES.write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
