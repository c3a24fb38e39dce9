"""How a lake grows with its factories: what a plan of it takes, and what its account must have."""
