"""The embedded model: small enough to ship, real enough to learn. See README.md beside its weights."""

from pathlib import Path

MODEL = Path(__file__).parent / "model"
"""Folder of the weights, the tokenizer and the model card."""
