"""Rules over facts, and the TOML files that playbooks and audiences are written in."""
