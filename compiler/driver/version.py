"""The compiler's version, which emitted modules name."""

VERSION = "0.1.0"
