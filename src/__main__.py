"""`python -m meterwire` is the command `meterwire`."""

from meterwire.cli.main import main

main()
