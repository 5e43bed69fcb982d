"""The peers: one module each, run as a process of its own in the environment of `benchmarks/requirements.lock`.

Each is written as its own documentation recommends, and reads of a record only what counting needs: the film and the
instant, from the key.
"""
