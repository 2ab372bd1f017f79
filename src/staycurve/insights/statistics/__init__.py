"""Intervals, survival and association: the statistics that insights share."""
