"""Firehose as AWS documents it: a control plane in the core process and a delivery engine in one of its own.

- ``controlplane`` refuses configurations that AWS refuses, and describes the others completely.
- ``python -m localcloud.firehose`` is the engine: ``engine`` finds the delivery streams, ``delivery`` works on each.
- ``prefix``, ``transform``, ``openx``, ``buffers``, ``records`` and ``settings`` hold the rules, without any client.
"""
