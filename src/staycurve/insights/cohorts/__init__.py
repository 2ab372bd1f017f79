"""Activation cohorts read for their meaning, with intervals and tests."""
