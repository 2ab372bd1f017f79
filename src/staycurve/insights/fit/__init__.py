"""Fit: who is like the best customers, and which leads are."""
