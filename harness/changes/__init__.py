"""What a change of each input of `modules/lake` does, found out by planning it."""
