"""A server that answers everything with the same few bytes, on the box's own loopback."""
import contextlib
import http.server
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header('content-type', 'application/octet-stream')
        self.send_header('content-length', '7')
        self.end_headers()
        self.wfile.write(b'content')

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def serve():
    server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield 'http://127.0.0.1:%d/' % server.server_port
    finally:
        server.shutdown()
