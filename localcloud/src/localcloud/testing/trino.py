"""Asks Trino for the answers to queries.sql and writes them to answers.json.

Run by hand when a query was added; it needs a JDK 17 and Maven, which fetches Trino (about 170 MB): ``python
localcloud/src/localcloud/testing/trino.py [BUILD_FOLDER]``. It also gives the answers for the named queries'
rows, see ``tests/terraform/queries``.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[3] / "tests" / "athena" / "trino"
_EXPORTS = ("java.base/java.nio=ALL-UNNAMED", "java.base/java.lang=ALL-UNNAMED")


def queries() -> list[str]:
    """The queries of queries.sql, in order, without their comments and semicolons."""
    text = "\n".join(
        line for line in (HERE / "queries.sql").read_text().splitlines() if not line.startswith("--")
    )
    return [query.strip() for query in re.split(r";$", text, flags=re.MULTILINE) if query.strip()]


def ask_trino(asked: list[str], build: Path) -> list[dict[str, object]]:
    """Trino's answers to queries: ``{types, rows}`` or ``{error}``."""
    build.mkdir(parents=True, exist_ok=True)
    libraries = build / "lib"
    if not libraries.exists():
        fetch = ["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies"]
        subprocess.run([*fetch, f"-DoutputDirectory={libraries}"], check=True)
    subprocess.run(
        ["javac", "-cp", f"{libraries}/*", "-d", str(build), str(HERE / "Answers.java")], check=True
    )
    opened = [part for export in _EXPORTS for part in ("--add-opens", export)]
    ran = subprocess.run(
        ["java", *opened, "-cp", f"{libraries}/*:{build}", "Answers"],
        input=json.dumps(asked),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    answers: list[dict[str, object]] = json.loads(ran.stdout)
    return answers


def main() -> None:
    """Write answers.json anew."""
    build = Path(sys.argv[1] if len(sys.argv) > 1 else "build/trino").resolve()
    asked = queries()
    answers = [{"sql": sql, **answer} for sql, answer in zip(asked, ask_trino(asked, build), strict=True)]
    text = ",\n".join(json.dumps(answer, ensure_ascii=False) for answer in answers)
    (HERE / "answers.json").write_text(f"[\n{text}\n]\n")


if __name__ == "__main__":
    main()
