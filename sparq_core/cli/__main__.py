"""`python -m sparq_core.cli` is the command `sparq`."""

from sparq_core.cli import main

main()
