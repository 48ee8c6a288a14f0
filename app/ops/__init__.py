"""What operators run: one subcommand a file."""
