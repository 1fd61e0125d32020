"""A mail server for tests, aiosmtpd's: keeps each message as a file, and does what the receiver's name says.

Usage: mail.py FOLDER plain|starttls|tls [PORT [CERTIFICATE KEY [USER PASSWORD]]]. Prints its port. The receivers: `busy` is answered
451, `gone` 550, `echo` 554 with the message's subject in the answer; at the first message for `dies` the server ends before it answers.
"""

import asyncio
import email
import logging
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

# Its warnings are about passwords in the open: here they stay on this machine.
logging.disable()
folder, mode = sys.argv[1:3]
port = int(sys.argv[3]) if len(sys.argv) > 3 else 0
certificate, key = (sys.argv[4:6] + [None, None])[:2]
user, password = (sys.argv[6:8] + [None, None])[:2]


def keep(kind, content):
    number = len(os.listdir(folder))
    with open(os.path.join(folder, f"{number:03}.{kind}"), "wb") as file:
        file.write(content)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        if name == "busy":
            return "451 come back later"
        if name == "gone":
            return "550 nobody here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        name = envelope.rcpt_tos[0].split("@")[0]
        if name == "echo":
            message = email.message_from_bytes(envelope.content)
            return "554 I will not take " + message["Subject"].replace("\r", "").replace("\n", "")
        if name == "dies" and not any(f.endswith(".lost") for f in os.listdir(folder)):
            keep("lost", envelope.content)
            os._exit(1)
        secure = b"yes" if session.ssl is not None or mode == "tls" else b"no"
        login = str(getattr(session, "auth_data", None)).encode()
        keep("eml", b"X-Secure: " + secure + b"\r\nX-Login: " + login + b"\r\n" + envelope.content)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    good = data.login.decode() == user and data.password.decode() == password
    return AuthResult(success=good, handled=False, auth_data=user if good else None)


async def main():
    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
    options = {"hostname": "localhost"}
    if mode == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    if user:
        options |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": mode == "starttls"}
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Handler(), **options), "127.0.0.1", port, ssl=context if mode == "tls" else None
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
