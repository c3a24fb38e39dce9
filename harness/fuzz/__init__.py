"""Mutations: samples as gateways spell them, broken at random, held against the transform's slow path.

The transform answers messages that are spelled like others before them by a fast path
(``transform.fast_path``). Here a lane learns spellings, and gets messages of them with bytes deleted,
changed, inserted, swapped and copied, brackets and quotes exchanged, escapes, blanks and odd numbers put
in. Each must get the answer that the slow path gives it, which knows nothing of what came before. Batches of
samples are broken as well: what is cut quickly must come to what a careful splitting comes to.

``python -m harness.fuzz --n 1000000`` runs many, on every Python that the transform runs on. The oldest needs
``PYTHONPATH=lambda_src``, since the repository is not installed there.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
