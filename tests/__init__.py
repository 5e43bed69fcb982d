"""Tests mirror the tree; each says in a docstring what it proves."""
