"""Invoices: which lines are behind what an account pays a month."""
