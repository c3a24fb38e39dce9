"""The demonstration: a lake on the local cloud, from gateways and cameras to SQL, clips and reconciliation.

`python -m harness.demo run|up|down` is what `make demo`, `make up` and `make down` call.
"""
