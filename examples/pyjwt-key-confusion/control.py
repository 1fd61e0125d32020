import jwt

token = jwt.encode({'sub': 'alice'}, 'a shared secret', algorithm='HS256')
assert jwt.decode(token, 'a shared secret', algorithms=['HS256'])['sub'] == 'alice'
try:
    jwt.decode(token, 'another secret', algorithms=['HS256'])
    raise AssertionError('a wrong signature was taken')
except jwt.InvalidTokenError:
    pass
