"""The books: what other conventions would change, and what changed since a month closed."""
