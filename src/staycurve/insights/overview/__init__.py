"""Overview: what a customer-success team looks at each morning."""
