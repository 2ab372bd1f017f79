"""What customers do: retention of use, its lifecycle, funnels, paths, activity."""
