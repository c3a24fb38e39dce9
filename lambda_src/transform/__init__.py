"""The Firehose transform of both lanes: every message becomes one line of its table, or goes back as it came.

Modules, each importing only those above it:

- ``errors``: what can go wrong, and the codes of the rules that a message can break;
- ``events``: what Firehose hands over and gets back;
- ``settings``: the environment variables, checked at cold start;
- ``schema``: the table's columns, from the same file that Terraform and the documentation read;
- ``envelope``: when the broker received a message and from which gateway;
- ``reader``: strict JSON with trimming, keeping every untouched character as it came;
- ``lines``: the length of a line, the partition of an instant;
- ``fast_path``: templates for samples that are spelled like samples before them;
- ``configuration`` and ``measurements``: the two lanes;
- ``response`` and ``report``: the size of the answer, the log and the metrics;
- ``batch``: one Firehose event to one answer;
- ``handler``: what Lambda calls.

It needs nothing but the standard library and runs on Python 3.8 to 3.13. A cold start compiles every module
from source, because Lambda mounts packages read-only, so imports are few.
"""
