"""Everything that touches network, disk, clock or environment."""
