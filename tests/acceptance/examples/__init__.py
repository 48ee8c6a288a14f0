"""Small programs against a running service, each run by the tests: `PROGRAM URL USER PASSWORD`."""
