"""A web server for tests, Python's own: serves a folder, and what the path says. Prints its port.

Usage: files.py FOLDER. `/to/URL` redirects there, `/long/…` never ends, `/slow/…` sends a byte a second; paths are kept in FOLDER/asked.
"""

import functools
import http.server
import os
import sys
import time

folder = sys.argv[1]


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        with open(os.path.join(folder, "asked"), "a", encoding="utf-8") as file:
            file.write(self.path + "\n")
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/").rsplit("/", 1)[0])
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path.startswith(("/long/", "/slow/")):
            self.send_response(200)
            self.end_headers()
            slow = self.path.startswith("/slow/")
            while True:
                self.wfile.write(b"x" if slow else b"x" * 4096)
                self.wfile.flush()
                time.sleep(1 if slow else 0)
        else:
            super().do_GET()

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
server.handle_error = lambda *arguments: None
print(server.server_address[1], flush=True)
server.serve_forever()
