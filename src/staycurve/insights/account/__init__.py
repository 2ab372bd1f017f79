"""One account whole: its facts, its timeline, its people and what they use."""
