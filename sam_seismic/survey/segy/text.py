"""The text header, 3200 bytes of EBCDIC or ASCII, to str and back; a note added without touching the rest."""

from collections.abc import Sequence

import numpy as np

CARDS = 40
WIDTH = 80
_EBCDIC = "cp037"
_END_OF_STANZAS = "((seg:endtext))"


_CHARACTERS = {
    name: [bytes([byte]).decode(name, errors="replace") for byte in range(256)] for name in (_EBCDIC, "ascii")
}
_READABLE = {
    name: np.array([each.isalnum() or each == " " for each in characters]) for name, characters in _CHARACTERS.items()
}
_PRINTABLE = {
    name: np.array([each.isascii() and each.isprintable() for each in characters])
    for name, characters in _CHARACTERS.items()
}
"""bool[byte]: whether it stands for such a character."""


def encoding_of(raw: bytes) -> str:
    """`cp037` (EBCDIC) or `ascii`: the one in which more bytes are letters, digits and blanks."""
    stored = np.frombuffer(raw, np.uint8)
    readable = {name: np.count_nonzero(table[stored]) for name, table in _READABLE.items()}
    return "ascii" if readable["ascii"] > readable[_EBCDIC] else _EBCDIC


def decode_text(raw: bytes) -> str:
    """3200 bytes -> 40 lines of 80 characters, trailing blanks removed."""
    text = raw.decode(encoding_of(raw), errors="replace")
    cards = [text[at : at + WIDTH] for at in range(0, len(text), WIDTH)]
    return "\n".join(card.rstrip(" \0\r\n") for card in cards)


def encode_text(lines: Sequence[str]) -> bytes:
    """Up to 40 lines -> 3200 bytes of EBCDIC, each line a card `C nn text`."""
    assert len(lines) <= CARDS, "callers leave room"
    padded = [*lines, *[""] * (CARDS - len(lines))]
    cards = [f"C{number:2d} {line}"[:WIDTH].ljust(WIDTH) for number, line in enumerate(padded, start=1)]
    return "".join(cards).encode(_EBCDIC, errors="replace")


def add_note(raw: bytes, note: str) -> bytes:
    """The same text header with a note in its last empty card, or in card 39 where none is empty.

    Args:
        raw: 3200 bytes, EBCDIC or ASCII; the rest of them comes back as it was.
        note: cut to the width of a card.
    """
    encoding = encoding_of(raw)
    cards = [raw[at : at + WIDTH] for at in range(0, len(raw), WIDTH)]
    # An end mark such as `C40 END TEXTUAL HEADER` is not empty, so it is never overwritten.
    empty = [number for number, card in enumerate(cards) if _is_empty(card.decode(encoding, errors="replace"))]
    number = empty[-1] if empty else CARDS - 2
    card = f"C{number + 1:2d} {' '.join(note.split())}"[:WIDTH].ljust(WIDTH)
    cards[number] = card.encode(encoding, errors="replace")
    return b"".join(cards)


def ends_stanzas(raw: bytes) -> bool:
    """Whether an extended text header holds the stanza that ends them all."""
    return any(
        _END_OF_STANZAS in raw.decode(name, errors="replace").replace(" ", "").lower() for name in (_EBCDIC, "ascii")
    )


def is_text(raw: bytes) -> bool:
    """Whether bytes are a text header rather than traces, whose headers are mostly zero."""
    printable = _PRINTABLE[encoding_of(raw)][np.frombuffer(raw, np.uint8)]
    return int(np.count_nonzero(printable)) > 0.8 * len(raw)


def _is_empty(card: str) -> bool:
    card = card.strip(" \0\r\n")
    return not card or (card[0] in "Cc" and card[1:].strip().isdigit())
