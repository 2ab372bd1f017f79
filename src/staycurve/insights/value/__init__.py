"""What customers are worth, why a number changed, and where it is heading."""
