"""The fault suite: the whole pipeline under load while its parts are killed, stopped or starved; see docs/faults.md."""
