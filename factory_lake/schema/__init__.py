"""The tables' schema files, and what a change of one would break."""
