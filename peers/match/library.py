"""Matches a Cargo.lock against a folder of OSV records with the comparison of a library: `library.py osv|vdb FOLDER LOCK`.
For the benchmark alone; reading and looking up is done here, as a user of the library would."""

import json
import pathlib
import sys
import time
import tomllib

which, folder, lock = sys.argv[1:]

if which == "osv":
    from osv import ecosystems

    key = ecosystems.get("crates.io").sort_key

    def inside(version, pairs):
        own = key(version)
        return any(
            (low == "0" or key(low) <= own) and (high is None or own < key(high)) for low, high in pairs
        )
else:
    from vdb.lib.vers import vers_compare

    def inside(version, pairs):
        def text(low, high):
            bounds = ([] if low == "0" else [f">={low}"]) + ([] if high is None else [f"<{high}"])
            return "vers:cargo/" + ("|".join(bounds) or "*")

        return any(vers_compare(version, text(low, high)) for low, high in pairs)


named = {}
for path in pathlib.Path(folder).iterdir():
    record = json.loads(path.read_text())
    if "withdrawn" in record:
        continue
    for affected in record["affected"]:
        pairs = []
        for bounds in affected.get("ranges", []):
            if bounds["type"] == "GIT":
                continue
            for event in bounds["events"]:
                if "introduced" in event:
                    pairs.append([event["introduced"], None])
                elif "fixed" in event and pairs:
                    pairs[-1][1] = event["fixed"]
        named.setdefault(affected["package"]["name"], []).append((record["id"], pairs))

packages = tomllib.loads(pathlib.Path(lock).read_text())["package"]
found = compared = 0
start = time.process_time()
for package in packages:
    for _, pairs in named.get(package["name"], []):
        compared += 1
        found += inside(package["version"], pairs)
took = time.process_time() - start
print(f"{which} library: {found} findings; {compared} comparisons alone took {took * 1e3:.1f} ms, {compared / took:.0f} a second")
