"""The marketplaces, simulated: a plain WSGI application without Django that keeps state and speaks their dialects.

Adapters do not know that it exists; only the base address differs.
"""

from marketplaces.simulator.app import Simulator

__all__ = ["Simulator"]
