"""AWS IoT Core: the rules engine with its SQL and actions, and what the MQTT broker refuses."""
