"""What a change of each input of `environments/lake` does, found out by planning it."""
