"""Doubles of what lies outside the process, for tests of what our code does when it misbehaves."""
