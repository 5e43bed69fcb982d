"""The runner of `python -m benchmarks`: stages beside their peers, in one run, with checked results.

A stage is a module `stage_<name>.py` of this package with a `STAGE` of `model.Stage`; the name is what `--only` takes.
`model.py` says what a stage is made of, `stage_count.py` is one to look at.
"""
