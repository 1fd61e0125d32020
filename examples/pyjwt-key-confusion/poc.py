"""A service that checks tokens with a public key and lets the token name its algorithm.

Whoever knows the public key (everybody) must not be able to make a token with it.
"""
import base64
import hashlib
import hmac
import json
import sys

import jwt

KEY = b'ssh-ed25519 ' + base64.b64encode(b'\0\0\0\x0bssh-ed25519\0\0\0\x20' + bytes(32)) + b' service'


def part(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=')


head = part(json.dumps({'typ': 'JWT', 'alg': 'HS256'}).encode())
body = part(json.dumps({'sub': 'admin'}).encode())
signed = head + b'.' + body
token = signed + b'.' + part(hmac.new(KEY, signed, hashlib.sha256).digest())
try:
    claims = jwt.decode(token, KEY, algorithms=list(jwt.algorithms.get_default_algorithms()))
except (jwt.exceptions.InvalidKeyError, jwt.InvalidTokenError):
    sys.exit(0)
# The property: a token that the public key alone can make is not taken.
sys.exit(10 if claims.get('sub') == 'admin' else 0)
