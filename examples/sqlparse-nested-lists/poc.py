"""A statement of brackets only: whoever formats or checks SQL from outside promises an answer or a parse error."""
import sys

import sqlparse

# A server's own stack counts too: here a low limit stands for it, and few brackets do.
sys.setrecursionlimit(250)
try:
    sqlparse.parse('[' * 300 + ']' * 300)
except RecursionError:
    # The property: input alone never exhausts the interpreter's stack.
    sys.exit(10)
except sqlparse.exceptions.SQLParseError:
    pass
