import os
import tempfile

from serving import serve

from setuptools.package_index import PackageIndex

with serve() as base, tempfile.TemporaryDirectory() as folder:
    found = PackageIndex(base).download(base + 'package-1.0.tar.gz', folder)
    assert os.path.dirname(os.path.realpath(found)) == os.path.realpath(folder), found
    with open(found) as file:
        assert file.read() == 'content'
