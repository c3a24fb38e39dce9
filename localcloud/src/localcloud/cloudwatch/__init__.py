"""Amazon CloudWatch: metrics, metric math, Metrics Insights queries and alarms."""
