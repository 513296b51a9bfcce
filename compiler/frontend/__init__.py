"""From syntax tree to a checked model: names, types, shapes, and the primal graph."""
