"""Mentions to counts per film and day: pure, no input or output."""
