"""A template that is only checked, never rendered: a tag of quotes only, which does not end."""
import os

from mako.exceptions import MakoException
from mako.lexer import Lexer

try:
    Lexer('<%0' + '"' * int(os.environ['PROOF_SIZE'])).parse()
except MakoException:
    # That the template is wrong is a fair answer.
    pass
