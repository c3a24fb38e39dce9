"""Asks Trino for the answers to queries.sql and writes them to answers.json.

Run by hand when a query was added: ``python tests/athena/trino/record.py [BUILD_FOLDER]``.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from localcloud.testing.trino import ask_trino

HERE = Path(__file__).parent


def queries() -> list[str]:
    """The queries of queries.sql, in order, without their comments and semicolons."""
    text = "\n".join(line for line in (HERE / "queries.sql").read_text().splitlines() if not line.startswith("--"))
    return [query.strip() for query in re.split(r";$", text, flags=re.MULTILINE) if query.strip()]


def main() -> None:
    """Write answers.json anew."""
    build = Path(sys.argv[1] if len(sys.argv) > 1 else "build/trino").resolve()
    asked = queries()
    answers = [{"sql": sql, **answer} for sql, answer in zip(asked, ask_trino(asked, build), strict=True)]
    text = ",\n".join(json.dumps(answer, ensure_ascii=False) for answer in answers)
    (HERE / "answers.json").write_text(f"[\n{text}\n]\n")


if __name__ == "__main__":
    main()
