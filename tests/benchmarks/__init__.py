"""Measurements that are run by hand: `python -m tests.benchmarks.sign_ins --help`, and `bearer`."""
