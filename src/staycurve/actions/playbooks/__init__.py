"""Playbooks: a rule that opens alerts, and what is then to be done by whom."""
