"""Channels: how what happened reaches people and programs outside."""
