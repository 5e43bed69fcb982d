"""What every stage of the pipeline needs: settings, errors, clock, metrics, the embedded stack and the command line."""

__version__ = "0.1.0"
