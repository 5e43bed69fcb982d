"""How the packaged data files are made: run by `make train`, never by the worker."""
