"""Tests of the benchmarks' own reckoning: what they hold a result against must be right itself."""
