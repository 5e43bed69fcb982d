"""Tests of text to films."""
