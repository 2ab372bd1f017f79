"""Mails that are no survey's: value recaps for customers, and weekly digests for ourselves."""
