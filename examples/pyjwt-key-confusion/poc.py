"""A service that checks tokens with a public key and lets the token name its algorithm.

Whoever knows the public key (everybody) must not be able to make a token with it.
"""
import base64
import hashlib
import hmac
import json
import sys

import jwt

KEY = b'''-----BEGIN RSA PUBLIC KEY-----
MIGJAoGBAOgqGkrWHzYtZb1rEw0u1xVjvVb7yJm0q2m8eNnq7x0sT0c2m6m3kq1x
-----END RSA PUBLIC KEY-----
'''


def part(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=')


head = part(json.dumps({'typ': 'JWT', 'alg': 'HS256'}).encode())
body = part(json.dumps({'sub': 'admin'}).encode())
signed = head + b'.' + body
token = signed + b'.' + part(hmac.new(KEY, signed, hashlib.sha256).digest())
try:
    claims = jwt.decode(token, KEY)
except (jwt.exceptions.InvalidKeyError, jwt.InvalidTokenError):
    sys.exit(0)
# The property: a token that the public key alone can make is not taken.
sys.exit(10 if claims.get('sub') == 'admin' else 0)
