"""The customers' voice: how content they are, what they say, and how their tickets are handled."""
