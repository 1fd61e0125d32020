"""A template gives attributes from outside to `xmlattr`, which escapes: one key must stay one attribute."""
import sys

from jinja2 import Environment

template = Environment(autoescape=True).from_string('<p{{ attributes|xmlattr }}>')
try:
    page = template.render(attributes={'x onmouseover=go() y': '1'})
except ValueError:
    # A fixed version refuses such a key.
    sys.exit(0)
# The property: no attribute that nobody gave a value is on the page.
sys.exit(10 if ' onmouseover=go() ' in page else 0)
