"""What arrived, and why the rest did not: a timeline of states for each gateway, tag and camera."""
