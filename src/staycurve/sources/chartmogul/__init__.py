"""What programs send to ChartMogul's import interface, as rows of conformed tables."""
