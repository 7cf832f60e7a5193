"""Measurements: each writes build/bench/NAME.json and prints its table."""
