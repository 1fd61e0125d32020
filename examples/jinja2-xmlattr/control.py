from jinja2 import Environment

template = Environment(autoescape=True).from_string('<p{{ attributes|xmlattr }}>')
page = template.render(attributes={'title': 'a "b" & c', 'hidden': None})
assert page == '<p title="a &#34;b&#34; &amp; c">', page
