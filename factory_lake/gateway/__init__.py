"""A plant's gateways: keys and requests for certificates, a simulated plant, and MQTT with a journal.

`factory-lake gateway csr|publish|simulate` is the command; every step of it is a function here:

- `csr` makes private keys and certificate signing requests;
- `plant` says what a LoopEdge would send, `files` what a user's file says;
- `connections` turns Terraform's outputs into identities; `mqtt` sends as one of them, `fleet` as all;
- `journal` remembers every message that was sent, for `factory_lake.reconcile` to find again.
"""
