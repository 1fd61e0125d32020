"""A tool downloads a package to a folder of its own, from an address in somebody's index: the folder must be kept to."""
import os
import tempfile
from urllib.parse import quote

from serving import serve

from setuptools.package_index import PackageIndex

with serve() as base, tempfile.TemporaryDirectory() as folder:
    try:
        PackageIndex(base).download(base + quote(os.environ['PROOF_CANARY_WRITE'], safe=''), folder)
    except ValueError:
        # A fixed version refuses the name.
        pass
