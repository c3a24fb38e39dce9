"""The probes, one a file; `factory_lake.conformance` says how one is added."""
