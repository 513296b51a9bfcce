"""Models written in the language itself, that `from nn import …` reads."""
