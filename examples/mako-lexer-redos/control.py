from mako.lexer import Lexer

tree = Lexer('<%def name="a(x)">${x}</%def>').parse()
assert tree.nodes[0].keyword == 'def'
