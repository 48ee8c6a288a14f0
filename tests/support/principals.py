"""Credentials of kim, and a service that is slow to take guesses."""

import base64

from app.settings import GuessingLimits

ROLES = ["SystemAdministrator", "Auditor"]
SLOW = GuessingLimits(pause_s=60.0)
"""A first pause that is not over before a slow machine comes to ask again."""


def basic(name: str, password: str) -> bytes:
    return b"Basic " + base64.b64encode(f"{name}:{password}".encode())
