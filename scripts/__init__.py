"""What builds and checks the repository."""
