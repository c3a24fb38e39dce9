"""One moment of a plant: samples around it, the configuration in force, and what each camera saw."""
