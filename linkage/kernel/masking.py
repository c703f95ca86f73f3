"""How a personal value is shown where only its shape may be seen (logs, rejects, dry runs, errors)."""

import re

LIKE_A_NUMBER_OF_A_PERSON = re.compile("[0-9]{11}|[0-9]{15}|[0-9]{17}[0-9Xx]")


def mask_text(value: object) -> str:
    """Show the first character and the length: ``张小明`` -> ``张**``, empty stays empty."""
    text = "" if value is None else str(value)
    if len(text) <= 1:
        return "*" * len(text)
    return text[0] + "*" * (len(text) - 1)


def mask_number(value: object) -> str:
    """Show the first three and the last character of a long number, so a reader can find the row but not the person."""
    text = "" if value is None else str(value)
    if len(text) <= 4:
        return "*" * len(text)
    return text[:3] + "*" * (len(text) - 4) + text[-1]


def mask_record_key(key: str) -> str:
    """A record key for an error: a telephone or identity number typed where a record number belongs is not repeated."""
    source, colon, record_id = key.rpartition(":")
    return f"{source}{colon}{mask_number(record_id)}" if LIKE_A_NUMBER_OF_A_PERSON.fullmatch(record_id) else key


def mask_shape(value: object) -> str:
    """Show only the shape: digits as 9, Latin letters as a, everything else kept if it is punctuation, 汉 otherwise."""
    text = "" if value is None else str(value)
    out: list[str] = []
    for char in text:
        if char.isdigit():
            out.append("9")
        elif char.isascii() and char.isalpha():
            out.append("a")
        elif char.isalpha():
            out.append("汉")
        else:
            out.append(char)
    return "".join(out)
