"""Audiences: saved segments over everything known, for messages, betas and offers."""
