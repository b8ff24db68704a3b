"""Addresses of stores, which may hold a password that nobody is to read."""

from __future__ import annotations

import re
from urllib.parse import unquote

HIDDEN = "***"
USER_AND_PASSWORD = re.compile(r"(?P<before>://[^:/@?#\s]*:)(?P<password>\S*)@")
"""Up to the last @: a password with letters that ought to have been quoted is still one."""
OF_SERVERS = re.compile(r"(?P<before>://[^:/@?#\s]*:)(?P<password>[^/?#\s]*)@")
"""What follows the first slash is a path there, and may hold an @."""
IN_QUERY = re.compile(r"[?&](?:password|passwd|pwd|sslpassword)=(?P<password>[^&\s]+)", re.IGNORECASE)
SHORTEST = 4
"""Letters of a password that is looked for by itself: a shorter one is part of many words."""


def shown(uri: str) -> str:
    """The address without its password."""
    password = _password(uri)
    if password:
        uri = uri.replace(f":{password}@", f":{HIDDEN}@", 1)
    return IN_QUERY.sub(lambda found: found[0].replace(found["password"], HIDDEN), uri)


def without_password(text: str, uri: str) -> str:
    """What is said of a store may repeat its address, whole or in part."""
    password = _password(uri)
    text = text.replace(uri, shown(uri))
    if password:
        text = text.replace(f":{password}@", f":{HIDDEN}@")
    secrets = {password, unquote(password), *password.split("@"), *IN_QUERY.findall(uri)}
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST:
            text = text.replace(secret, HIDDEN)
    return text


def for_command(uri: str) -> str:
    """The address as a command takes it; one with a password by the name of the variable that has it."""
    return uri if shown(uri) == uri else '"$MLFLOW_TRACKING_URI"'


def _password(uri: str) -> str:
    pattern = OF_SERVERS if uri.startswith(("http:", "https:")) else USER_AND_PASSWORD
    found = pattern.search(uri)
    return found["password"] if found else ""
