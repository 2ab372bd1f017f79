"""Which features are used, by whom, and what goes with it; limits."""
