"""A client reads the cookies that a server sets: a header of blanks after an attribute that looks like a date."""
import os

from future.backports.http.cookiejar import parse_ns_headers

parse_ns_headers(['a=b;Expires=1-c-1' + ' ' * int(os.environ['PROOF_SIZE']) + '!'])
