"""The rewrite rules: `algebra` are exact, the `stability` ones equal in real arithmetic."""
