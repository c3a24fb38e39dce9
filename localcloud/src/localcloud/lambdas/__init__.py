"""AWS Lambda: execution environments, each a process of its own."""
