from future.backports.http.cookiejar import parse_ns_headers

found = parse_ns_headers(['a=b; Path=/; Expires=Wed, 01 Jan 2020 00:00:00 GMT'])
assert found[0][0] == ('a', 'b'), found
assert dict(found[0])['expires'] == 1577836800, found
