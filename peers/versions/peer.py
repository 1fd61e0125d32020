"""The orders that Python libraries have. `peer.py KIND` reads lines of two versions with a tab between them and writes <, = or >
for each, or ! for what the library refuses. Libraries are found on PYTHONPATH."""

import sys


def pypi():
    from packaging.version import Version

    return Version


def conda():
    from rattler import Version

    return Version


def conan():
    from conan.internal.model.version import Version

    return Version


def nuget():
    from univers.nuget import Version

    return Version.from_string


def apk():
    from univers.versions import AlpineLinuxVersion

    return AlpineLinuxVersion


def rpm():
    import functools

    import rpm

    def label(text):
        epoch, colon, rest = text.partition(":")
        if not colon:
            epoch, rest = "0", text
        version, _, release = rest.rpartition("-")
        return (epoch, version, release) if version else (epoch, rest, "")

    compare = functools.cmp_to_key(rpm.labelCompare)
    return lambda text: compare(label(text))


def debian():
    import functools

    import apt_pkg

    apt_pkg.init_system()
    return functools.cmp_to_key(apt_pkg.version_compare)


def main():
    read = globals()[sys.argv[1]]()
    answers = []
    for line in sys.stdin.buffer:
        one, other = line.decode().rstrip("\n").split("\t")
        try:
            a, b = read(one), read(other)
            if a is None or b is None:
                raise ValueError
            answers.append("<" if a < b else ">" if b < a else "=")
        except Exception:
            answers.append("!")
        if len(answers) == 4096:
            print("\n".join(answers))
            answers.clear()
    if answers:
        print("\n".join(answers))


main()
