"""The proof of a copy: a signed statement beside it, by which whoever holds it sees that it is what the installation gave, and from which release.

``<file>.proof.json`` holds ``proof``, itself JSON, and ``signature``, the Ed25519 signature of exactly those characters (UTF-8) by the key that signs
the manifests. The manifest in turn names the hash of the file that the copy was made from.
"""

import json
from pathlib import Path
from typing import Any

from linkage.kernel.errors import ConfigurationError, VerificationFailed
from linkage.kernel.run import State
from linkage.portal.downloads.copies import Prepared
from linkage.release.manifest import MANIFEST, file_hash
from linkage.release.signing import fingerprint, is_signed, signing_key
from linkage.release.trust import Trust

ENDING = ".proof.json"


def write_proof(state: State, release: str, path: str, prepared: Prepared) -> bytes:
    """The proof of ``prepared``, the copy of the file ``path`` of ``release``."""
    statement = {
        "release": release,
        "file": path,
        "manifest_sha256": file_hash(state.releases / release / MANIFEST),
        **{
            name: prepared.about[name]
            for name in ("bytes", "sha256", "rows", "mark", "columns", "unmasked", "made_from")
        },
    }
    text = json.dumps(statement, ensure_ascii=False, sort_keys=True)
    key = signing_key(state)
    signed = {
        "proof": text,
        "signature": key.sign(text.encode()).hex(),
        "signed_by": fingerprint(key.public_key()),
    }
    return (json.dumps(signed, ensure_ascii=False, indent=1) + "\n").encode()


def verify_copy(file: Path, proof: Path, trust: Trust, manifest: Path | None = None) -> list[str]:
    """Check that ``file`` is what ``proof`` says, that the proof is signed by a trusted key, and, with the signed ``manifest`` of the release, what
    it was made from. Returns what was checked. Raises VerificationFailed for the first that is wrong, ConfigurationError for what is no proof."""
    try:
        signed: dict[str, Any] = json.loads(proof.read_text(encoding="utf-8"))
        text, signature = str(signed["proof"]), bytes.fromhex(signed["signature"])
        statement: dict[str, Any] = json.loads(text)
    except (OSError, ValueError, KeyError, TypeError):
        raise ConfigurationError(
            f"{proof} is not the proof of a copy.",
            remedy=f"Download <file>{ENDING} from beside the file, and give it with --proof.",
        ) from None
    signer = next((key for key in trust.keys if is_signed(text.encode(), signature, key)), None)
    if signer is None:
        raise VerificationFailed(
            f"The signature of {proof} is wrong, or not by the key trusted here ({trust.origin}).",
            remedy="Download the proof again; compare the key with the one that the data office handed to you.",
        )
    checks = [f"signature of the proof by key {fingerprint(signer)} ({trust.origin})"]
    if file.stat().st_size != statement["bytes"] or file_hash(file) != statement["sha256"]:
        raise VerificationFailed(
            f"{file} is not the file that the proof speaks of: {statement['bytes']:,} bytes, SHA-256 {statement['sha256']}.",
            remedy="Resume or repeat the download; a spreadsheet that saved the file again has changed it.",
        )
    checks.append(f"{file.name}: {statement['rows']:,} rows, copy {statement['mark']} of {statement['file']}")
    if manifest is not None:
        if file_hash(manifest) != statement["manifest_sha256"]:
            raise VerificationFailed(
                f"{manifest} is not the manifest of {statement['release']}.",
                remedy="Download the manifest of that release.",
            )
        source = statement["made_from"]
        listed = json.loads(manifest.read_text(encoding="utf-8"))["files"].get(source["file"], {})
        if listed.get("sha256") != source["sha256"]:
            raise VerificationFailed(
                f"The manifest does not list {source['file']} with the hash that the copy was made from.",
                remedy="Tell the data office: the proof and the manifest contradict each other.",
            )
        checks.append(f"made from {source['file']} of {statement['release']}, as its manifest lists it")
    return checks
