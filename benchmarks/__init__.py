"""What is measured, and against whom: `python -m benchmarks --list`; the other modules are run by themselves."""
