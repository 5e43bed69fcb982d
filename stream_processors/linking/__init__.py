"""Text to films: pure, no input or output."""
