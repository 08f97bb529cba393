"""Signatures over plugins, checked and made by a library that is not ours.

    signatures.py verify FILE.wasm     is FILE.wasm.sig an Ed25519 signature of what it should be?
    signatures.py key FILE.pem         makes a private key as OpenSSL writes it; prints the public one
"""

import base64
import hashlib
import json
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def verify(component):
    with open(component, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    with open(component + ".sig", encoding="utf-8") as file:
        signature = json.load(file)
    scheme, key = signature["key"].split(":")
    assert scheme == "ed25519", scheme
    statement = f"windlass component, version 1\nsha256 {digest}\n".encode()
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key))
    # Raises if it is not one.
    public.verify(base64.b64decode(signature["signature"]), statement)
    print(signature["key"])


def key(path):
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with open(path, "wb") as file:
        file.write(pem)
    raw = private.public_key().public_bytes_raw()
    print("ed25519:" + base64.b64encode(raw).decode())


{"verify": verify, "key": key}[sys.argv[1]](sys.argv[2])
