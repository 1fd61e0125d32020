import yaml

found = yaml.full_load('a: [1, 2]\nb: !!python/tuple [x, y]\n')
assert found == {'a': [1, 2], 'b': ('x', 'y')}, found
