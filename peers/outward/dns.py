"""A name server for tests, dnslib's: answers TXT questions from a JSON file, {"name": ["text", …]}, read anew for each question.

Usage: dns.py FILE. Prints its port, on which it answers over UDP and TCP.
"""

import json
import sys
import threading

from dnslib import QTYPE, RCODE, RR, TXT
from dnslib.server import BaseResolver, DNSLogger, DNSServer


class Zone(BaseResolver):
    def resolve(self, request, handler):
        reply = request.reply()
        name = str(request.q.qname).rstrip(".").lower()
        with open(sys.argv[1], encoding="utf-8") as file:
            texts = json.load(file).get(name)
        if texts is None:
            reply.header.rcode = RCODE.NXDOMAIN
        elif request.q.qtype == QTYPE.TXT:
            for text in texts:
                pieces = [text[at : at + 200] for at in range(0, len(text), 200)]
                reply.add_answer(RR(request.q.qname, QTYPE.TXT, ttl=60, rdata=TXT(pieces)))
        # What is long is cut, and asked for again over TCP.
        if handler.protocol == "udp" and len(reply.pack()) > 1232:
            reply = request.reply()
            reply.header.tc = 1
        return reply


silent = DNSLogger("-request,-reply,-truncated,-error,-recv,-send,-data")
udp = DNSServer(Zone(), address="127.0.0.1", port=0, logger=silent)
udp.start_thread()
port = udp.server.server_address[1]
tcp = DNSServer(Zone(), address="127.0.0.1", port=port, tcp=True, logger=silent)
tcp.start_thread()
print(port, flush=True)
threading.Event().wait()
