"""Keys and encryption at rest: AES-256-GCM, the key's id in every header, a ring of several keys for rotation."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12
_SEALED = b"\x01"


class KeyFault(Exception):
    """A key is missing, unreadable or wrong: says which, where, and how to mend it."""


@dataclass(frozen=True)
class Key:
    """One key of a ring."""

    id: str
    """Short name kept in every header; never reused."""
    secret: bytes
    """32 random bytes."""
    created_at: datetime

    def __repr__(self) -> str:
        return f"Key(id={self.id!r}, secret=<hidden>)"


class KeyRing:
    """Keys by id: the last one given seals, all of them open."""

    def __init__(self, keys: Sequence[Key], index_secret: bytes) -> None:
        if not keys:
            raise KeyFault("a key ring needs at least one key")
        self._keys = {key.id: key for key in keys}
        if len(self._keys) != len(keys):
            raise KeyFault("two keys of the ring have the same id")
        self._index_secret = index_secret
        self._derived: dict[tuple[str, str, bytes], bytes] = {}
        self.active = keys[-1]

    @classmethod
    def generate(cls) -> KeyRing:
        """A ring with one fresh key, in memory only."""
        return cls([_fresh_key()], secrets.token_bytes(KEY_BYTES))

    @classmethod
    def load(cls, path: Path) -> KeyRing:
        """Reads a key file. Raises KeyFault when it is missing, malformed, or readable by others than its owner."""
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & 0o077:
                raise KeyFault(
                    f"key file {path} may be read by others (mode {mode:04o}); mend it with: chmod 600 {path}"
                )
            document = json.loads(path.read_text(encoding="ascii"))
            keys = [
                Key(
                    entry["id"],
                    base64.b64decode(entry["secret"], validate=True),
                    datetime.fromisoformat(entry["created_at"]),
                )
                for entry in document["keys"]
            ]
            index_secret = base64.b64decode(document["index_secret"], validate=True)
        except FileNotFoundError as error:
            raise KeyFault(
                f"key file {path} does not exist; restore it from its backup, nothing it sealed can be read without"
            ) from error
        except OSError as error:
            raise KeyFault(f"key file {path} cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise KeyFault(
                f"key file {path} is damaged ({type(error).__name__}: {error}); restore it from its backup"
            ) from error
        if any(len(key.secret) != KEY_BYTES for key in keys) or len(index_secret) != KEY_BYTES:
            raise KeyFault(
                f"key file {path} is damaged: a secret is not {KEY_BYTES} bytes long; restore it from its backup"
            )
        return cls(keys, index_secret)

    @classmethod
    def load_or_create(cls, path: Path) -> KeyRing:
        """Reads the key file, or makes one with mode 0600. Of several processes that come at once, one makes it."""
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            cls.generate()._write(path, replace=False)
        return cls.load(path)

    def rotate(self, path: Path) -> KeyRing:
        """Adds a fresh key, which seals from now on, and rewrites the key file. Older keys stay and open the rest."""
        rotated = KeyRing([*self._keys.values(), _fresh_key()], self._index_secret)
        rotated._write(path, replace=True)
        return rotated

    def ids(self) -> tuple[str, ...]:
        """Ids of the ring's keys, oldest first."""
        return tuple(self._keys)

    def key(self, key_id: str) -> Key:
        """The key with this id. Raises KeyFault."""
        try:
            return self._keys[key_id]
        except KeyError:
            known = ", ".join(self.ids())
            raise KeyFault(
                f"key {key_id} is not in the ring (it has {known}); add the key file that sealed the data"
            ) from None

    def derive(self, key_id: str, purpose: str, salt: bytes = b"") -> bytes:
        """32 bytes for one purpose from one key (HKDF-SHA-256, RFC 5869)."""
        known = self._derived.get((key_id, purpose, salt))
        if known is not None:
            return known
        kdf = HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=salt or None, info=purpose.encode())
        derived = kdf.derive(self.key(key_id).secret)
        if not salt:
            self._derived[key_id, purpose, salt] = derived
        return derived

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encrypts a small value. `context` (a table and column, say) must be the same to open it."""
        header = _SEALED + bytes([len(self.active.id)]) + self.active.id.encode("ascii")
        nonce = os.urandom(NONCE_BYTES)
        cipher = AESGCM(self.derive(self.active.id, "value"))
        return header + nonce + cipher.encrypt(nonce, plain, header + context.encode())

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """Opens what `seal` made. Raises KeyFault when the key is not in the ring or the value was changed."""
        if len(sealed) < 2 or sealed[:1] != _SEALED:
            raise KeyFault("value is not sealed in a form that this version knows")
        end = 2 + sealed[1]
        header, nonce, body = sealed[:end], sealed[end : end + NONCE_BYTES], sealed[end + NONCE_BYTES :]
        try:
            cipher = AESGCM(self.derive(header[2:].decode("ascii"), "value"))
            return cipher.decrypt(nonce, body, header + context.encode())
        except (InvalidTag, ValueError) as error:
            raise KeyFault(f"sealed value of {context} was changed, or moved from another field") from error

    def blind_index(self, value: str, purpose: str) -> str:
        """A keyed fingerprint (HMAC-SHA-256, hexadecimal) to look sealed values up by. Rotation does not change it."""
        return hmac.new(self._index_secret, f"{purpose}\0{value}".encode(), hashlib.sha256).hexdigest()

    def signer(self, key_id: str) -> Ed25519PrivateKey:
        """The signing key that belongs to a key of the ring."""
        return Ed25519PrivateKey.from_private_bytes(self.derive(key_id, "signature"))

    def _write(self, path: Path, *, replace: bool) -> None:
        document = {
            "keys": [
                {
                    "id": key.id,
                    "created_at": key.created_at.isoformat(),
                    "secret": base64.b64encode(key.secret).decode(),
                }
                for key in self._keys.values()
            ],
            "index_secret": base64.b64encode(self._index_secret).decode(),
        }
        beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                json.dump(document, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                beside.replace(path)
            else:
                _link_once(beside, path)
        except OSError as error:
            raise KeyFault(
                f"key file {path} cannot be written: {error.strerror}; give the service a directory it may write"
            ) from error
        finally:
            beside.unlink(missing_ok=True)


def _link_once(source: Path, target: Path) -> None:
    """Gives the file its name unless another process was first."""
    try:
        os.link(source, target)
    except FileExistsError:
        return


def _fresh_key() -> Key:
    return Key(f"k{secrets.token_hex(4)}", secrets.token_bytes(KEY_BYTES), datetime.now(UTC))
