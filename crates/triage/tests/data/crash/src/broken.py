"""Python programs that raise: `broken.py KIND`."""
import json
import sys


class Frame:
    def __init__(self, rows):
        self.rows = rows

    def cell(self, at):
        return self.rows[at]


def read(at):
    return Frame([1, 2]).cell(at)


def load(text):
    try:
        return json.loads(text)
    except ValueError as error:
        raise RuntimeError("cannot load the frame") from error


def deep(n):
    return deep(n + 1)


def main(kind):
    if kind == "index":
        read(5)
    if kind == "caused":
        load("{")
    if kind == "deep":
        deep(0)
    if kind == "assert":
        assert read(0) == 2, "first cell"
    if kind == "fatal":
        import ctypes
        import faulthandler
        faulthandler.enable()
        ctypes.string_at(0)


main(sys.argv[1])
