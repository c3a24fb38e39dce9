"""The reconciliation of every message: what the gateways sent, against what lies in S3.

`factory-lake reconcile` reads the gateways' journals and the lake's buckets and finds each message again, or
says which it did not find. The modules:

- `expectation` says from a payload alone what the lake must make of it, reading the rules on its own;
- `stored` reads the lake's objects: Parquet rows, configuration lines, error objects;
- `sent` opens the batches of the journals;
- `redriven` is the record of an error object's redriven lines;
- `matching` brings both together, `report` holds the result.
"""

from factory_lake.reconcile.expectation import Rules
from factory_lake.reconcile.objects import Buckets, StoredObjects, reconcile
from factory_lake.reconcile.report import Counts, Discrepancy, ReconciliationReport

__all__ = ["Buckets", "Counts", "Discrepancy", "ReconciliationReport", "Rules", "StoredObjects", "reconcile"]
