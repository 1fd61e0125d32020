from wheel.wheelfile import WHEEL_INFO_RE

found = WHEEL_INFO_RE.match('name-1.0-py3-none-any.whl')
assert found.group('name') == 'name' and found.group('plat') == 'any'
