"""Growth: which accounts may buy more, and how likely that is."""
