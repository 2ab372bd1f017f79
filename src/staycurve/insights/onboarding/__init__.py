"""How new accounts reach first value, step by step; trials."""
