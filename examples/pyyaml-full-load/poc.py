"""`full_load` is the loader that says it is good for input from outside: it must not run what the document names."""
import os

import yaml

# An object made anew, whose `extend` is a function that the document chose.
DOCUMENT = '''!!python/object/new:type
args: ["z", !!python/tuple [], {"extend": !!python/name:exec }]
listitems: "__import__('os').system('%s')"
''' % os.environ['PROOF_CANARY_EXEC']

try:
    yaml.full_load(DOCUMENT)
except yaml.YAMLError:
    # A version that refuses says so in this way.
    pass
