"""Runs tests of an imported file by pytest. Status 10 says that the test shows the defect, 0 that it does not.

It shows something only where it ended by an assertion of its own (or an exception that the import names), or passed,
and the control passed before it in the same process."""
import json
import os
import sys

import pytest

FOLDER = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(FOLDER, "imported.json"), encoding="utf-8") as values:
    GIVEN = json.load(values)
# How pytest calls a failed assertion, and a failure that it states itself, such as an exception that did not come.
OWN = {"AssertionError", "Failed"}
PASSED, FAILED, NOTHING = "passed", "failed", "nothing"


class Endings:
    def __init__(self):
        self.calls = []
        self.broken = []

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = (yield).get_result()
        kind = call.excinfo.type.__name__ if call.excinfo is not None else None
        if report.outcome == "skipped" or (call.when != "call" and kind):
            self.broken.append((call.when, kind))
        elif call.when == "call":
            self.calls.append(kind)


def ended(name):
    seen = Endings()
    where = os.path.join(FOLDER, GIVEN["file"]) + "::" + name
    options = ["-q", "-s", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", FOLDER, "--import-mode=importlib"]
    pytest.main(options + [where], plugins=[seen])
    strange = [kind for kind in seen.calls if kind and kind not in OWN and kind not in GIVEN["raises"]]
    if seen.broken or strange or not seen.calls:
        print(name, "shows nothing:", seen.broken, strange, file=sys.stderr)
        return NOTHING
    return FAILED if any(seen.calls) else PASSED


def control():
    sys.exit(0 if ended(GIVEN["control"]) == PASSED else 1)


def test():
    if ended(GIVEN["control"]) != PASSED:
        sys.exit(3)
    ending = ended(GIVEN["test"])
    if ending == NOTHING:
        sys.exit(3)
    shows = PASSED if GIVEN["fails_when_fixed"] else FAILED
    sys.exit(10 if ending == shows else 0)
