"""From text to syntax tree: source, spans, diagnostics, the Lark grammar, the formatter."""
