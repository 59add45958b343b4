"""The errors that callers can mend."""


class StatementError(ValueError):
    """The caller named a statement or a parameter that does not exist, or gave a value that cannot be."""
