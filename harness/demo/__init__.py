"""The demonstration: a lake on the local cloud, from gateways and cameras to SQL, clips and reconciliation.

`python -m harness.demo` is what `make demo` calls; `up_down` leaves a lake running for `factory-lake local`.
"""
