"""From syntax tree to the optimised IR graph of a model and its derivative."""
