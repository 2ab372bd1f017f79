"""What a package outside staycurve adds to it: a module for each kind of thing."""
