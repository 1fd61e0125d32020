import sqlparse

statements = sqlparse.parse('SELECT a[1], (b) FROM t WHERE x IN (1, 2)')
assert len(statements) == 1
assert statements[0].get_type() == 'SELECT'
