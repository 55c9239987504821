"""The world of the number games: what they are and what comes out of them."""

from sparq_ladder.rules import solve

__all__ = ["solve"]
