"""The version of staycurve."""

VERSION = "0.1.0"
