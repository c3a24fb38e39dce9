"""Redriving messages onto their lane's data stream, each once, with its first arrival and its gateway.

`factory-lake redrive errors` takes what lies under `errors/`, `factory-lake redrive stream` what a delivery
stream skipped. The modules, each of which imports only those above it:

- `errors`: the tree of errors;
- `lines` reads error objects, `restore` makes a message of a line that the transform made;
- `datastream` reads a data stream, `sender` puts batches on it;
- `origins` finds out when and from which gateway a message first came;
- `checkpoints` writes down what was redriven;
- `prediction` asks the transform's code what it would make of a message;
- `findings` counts;
- `objects` redrives error objects, `skipped` a range of a data stream;
- `lake` finds all of it in Terraform's outputs, `permissions` says what an operator needs, `cli` runs it.
"""
