"""What operators run: the subcommands, and what they share."""
