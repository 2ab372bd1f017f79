"""The workspace: wires the layers for one company."""

from staycurve.workspace.company import Company

__all__ = ["Company"]
