"""What proves the lake: demo, simulation, soak, benchmarks, the access matrix, the table of changes."""
