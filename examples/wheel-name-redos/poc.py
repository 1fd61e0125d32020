"""A service looks at the names of uploaded wheels: a name of dashes and blanks that ends as no wheel does."""
import os

from wheel.wheelfile import WHEEL_INFO_RE

WHEEL_INFO_RE.match('a-' + '-' * int(os.environ['PROOF_SIZE']))
