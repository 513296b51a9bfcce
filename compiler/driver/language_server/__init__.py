"""The language server, `autodiffc lsp`: what editors ask for while a model is written.

study        a text that is read and checked: findings, hovers, definitions
names        where each name stands and what it refers to
derivatives  what a hover tells of derivatives
completions  what may come next
server       all this over the protocol, by pygls (the extra `[lsp]`)
"""
