"""
Runs programs nobody trusts: each in a process of its own that the kernel lets do nothing but compute.

A library of its own: it needs the standard library and Linux, and knows nothing of the engine. To be read: `records`,
`sandbox`, `forking` and `literals` on our side; `server` and `program` on the other; then `confinement` and `seccomp`, which
say what a process gives up.
"""

from sparq_sandbox.confinement import confine
from sparq_sandbox.records import Availability, Limits, Outcome, Reason, UnavailableError, Value
from sparq_sandbox.sandbox import STANDARD, Sandbox, available

__all__ = [
    "STANDARD",
    "Availability",
    "Limits",
    "Outcome",
    "Reason",
    "Sandbox",
    "UnavailableError",
    "Value",
    "available",
    "confine",
]
