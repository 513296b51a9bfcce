"""The ops: one declaration each, with all its facts. Importing this package fills the registry."""
