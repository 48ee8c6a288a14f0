"""How fast the service is, as ratios to its peers within one run: `python -m benchmarks`."""
