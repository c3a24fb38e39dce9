"""How much a plant asks of the lake, and what that costs: sums with a user's own numbers.

`factory-lake sizing capacity plant.toml` compares what a plant sends with the limits that apply to it;
`factory-lake sizing cost plant.toml prices.toml` multiplies what it uses by prices. Settings that the
plant's file does not name have the defaults of the Terraform modules, read from the modules themselves.
"""
