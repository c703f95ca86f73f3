"""The signed head of the audit: number and mac of its last entry, kept outside the database, so that a tail that is cut off is missed."""

import json
from dataclasses import dataclass
from pathlib import Path

from linkage.kernel.errors import VerificationFailed
from linkage.kernel.run import State, write_bytes
from linkage.release.signing import TRUSTED_KEYS, is_signed, parse_public_key, signing_key

HEAD_FILE = "audit_head.json"
NO_COPY = (
    "注意 note: 审计的链尾签名没有另存别处，若连同状态目录一起被回退，无从发现。audit_heads names no folder: the audit's signed head is kept in the "
    "state folder alone, and an end cut off together with it would not be noticed"
)
"""What whoever starts or examines an installation without ``audit_heads`` is told."""


@dataclass(frozen=True)
class Head:
    """The last entry's number and mac; number 0 before the first."""

    seq: int
    mac: str


class HeadFile:
    """One place where the head is kept."""

    def __init__(self, state: State, folder: Path) -> None:
        self.path = folder / HEAD_FILE
        self._state = state
        self._key = signing_key(state)
        self._trusted: tuple[bytes, Head] | None = None

    def read(self) -> Head | None:
        """The head; None when there is no file. Raises VerificationFailed when this installation did not sign it."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        if self._trusted is None or self._trusted[0] != data:
            self._trusted = (data, self._checked(data))
        return self._trusted[1]

    def write(self, head: Head) -> None:
        """Put ``head`` in the file's place, complete or not at all, and durable."""
        text = json.dumps({"seq": head.seq, "mac": head.mac}, sort_keys=True)
        signed = _spelled(text, self._key.sign(text.encode()))
        write_bytes(self.path, signed)
        self._trusted = (signed, head)

    def _checked(self, data: bytes) -> Head:
        keys = [parse_public_key(path.read_bytes()) for path in sorted(self._state.keys.glob(TRUSTED_KEYS))]
        try:
            signed = json.loads(data)
            text, signature = str(signed["head"]), bytes.fromhex(signed["signature"])
            is_as_written = data == _spelled(text, signature)
            if is_as_written and any(key is not None and is_signed(text.encode(), signature, key) for key in keys):
                head = json.loads(text)
                return Head(int(head["seq"]), str(head["mac"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        raise VerificationFailed(
            f"The signed head {self.path} is not what this installation signed.",
            remedy="Keep it as evidence; compare with its copy.",
        )


def _spelled(text: str, signature: bytes) -> bytes:
    """The file's one spelling: a byte that differs is a change, even where it would read the same."""
    return json.dumps({"head": text, "signature": signature.hex()}).encode() + b"\n"
