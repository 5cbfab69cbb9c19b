"""Public numbers."""

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U: read aloud on the phone


def new_number(prefix: str) -> str:
    """An unguessable number that every channel accepts: `prefix` and 20 characters, 100 bits."""
    return prefix + "".join(secrets.choice(ALPHABET) for _ in range(20))
