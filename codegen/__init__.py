"""From IR graph to the text of a standalone NumPy module."""
