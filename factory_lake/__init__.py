"""The command `factory-lake`: what operators and engineers run against a lake, on AWS or local."""
