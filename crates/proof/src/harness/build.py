# Runs inside a build box: builds the source in /src into a wheel by its own back end and lays the wheel's files out.


def main():
    import importlib
    import os
    import shutil
    import sys
    import zipfile
    site = '/app/site'
    folders = [site + '/' + name for name in sorted(os.listdir(site))]
    sys.path.extend(folders)
    source = '/box/src'
    os.environ['PYTHONPATH'] = ':'.join(folders)
    shutil.copytree('/src', source, symlinks=True, ignore_dangling_symlinks=True)
    for folder, _, _ in os.walk(source):
        os.chmod(folder, 0o755)
    os.chdir(source)
    backend, *paths = sys.argv[1:]
    sys.path[:0] = [os.path.join(source, path) for path in paths]
    module, _, attributes = backend.partition(':')
    found = importlib.import_module(module)
    for attribute in filter(None, attributes.split('.')):
        found = getattr(found, attribute)
    os.mkdir('/box/wheel')
    name = found.build_wheel('/box/wheel', {}, None)
    with zipfile.ZipFile(os.path.join('/box/wheel', name)) as wheel:
        wheel.extractall('/box/out')


main()
