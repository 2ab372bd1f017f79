"""doctor: what is missing, and what contradicts itself."""
