"""A statement of brackets only: whoever formats or checks SQL from outside promises an answer or a parse error."""
import sys

import sqlparse

try:
    sqlparse.parse('[' * 10000 + ']' * 10000)
except RecursionError:
    # The property: input alone never exhausts the interpreter's stack.
    sys.exit(10)
except sqlparse.exceptions.SQLParseError:
    pass
