"""The pages of docs/reference, by kind; docs/generate.py writes them."""
