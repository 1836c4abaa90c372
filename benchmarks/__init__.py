"""Benchmarks of the program; every figure is measured together with a yardstick."""
