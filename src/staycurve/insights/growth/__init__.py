"""Who may grow: up-sell and cross-sell signals, the probability of expansion, and a worklist."""
