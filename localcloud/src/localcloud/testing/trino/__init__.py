"""Trino's own answers to queries, for comparison with the local engine's.

It needs a JDK 17 and Maven, which fetches Trino (about 170 MB).
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
_EXPORTS = ("java.base/java.nio=ALL-UNNAMED", "java.base/java.lang=ALL-UNNAMED")


def ask_trino(asked: list[str], build: Path) -> list[dict[str, object]]:
    """Trino's answers to queries: ``{types, rows}`` or ``{error}``."""
    build.mkdir(parents=True, exist_ok=True)
    libraries = build / "lib"
    if not libraries.exists():
        fetch = ["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies"]
        subprocess.run([*fetch, f"-DoutputDirectory={libraries}"], check=True)
    subprocess.run(["javac", "-cp", f"{libraries}/*", "-d", str(build), str(HERE / "Answers.java")], check=True)
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
