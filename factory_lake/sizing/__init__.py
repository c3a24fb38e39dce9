"""How much a plant asks of the lake, and what that costs: sums with a user's own numbers.

`factory-lake sizing capacity plant.toml` compares what a plant sends with the limits that apply to it;
`factory-lake sizing cost plant.toml prices.toml` multiplies what it uses by prices, and `factory-lake sizing
ways plant.toml prices.toml` compares ways to send and to keep messages. Settings that the plant's file does not
name have the defaults of the Terraform modules, read from the modules themselves.
"""
