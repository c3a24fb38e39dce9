"""Archive camera footage: every fragment of every stream of a factory in exactly one clip on S3."""
