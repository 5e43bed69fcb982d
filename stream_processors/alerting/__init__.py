"""Alerts on their way to people: what they say, where they go, and that each goes there once."""
