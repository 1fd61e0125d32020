# Runs inside the box before the program and watches what it does to its own process.
#
# Takes its orders and a one-time key from descriptor 3 and reports on descriptor 4, each report under an HMAC. What it
# needs is taken before the program starts and kept in closures. A determined program can still reach it (frames,
# collectors, foreign functions): that is why this runtime does not claim to see whose hands it was.


def _boot():
    import posix
    import sys
    import posixpath
    import atexit
    import builtins
    try:
        from _sha256 import sha256
    except ImportError:
        from _sha2 import sha256

    read, write, close = posix.read, posix.write, posix.close
    raw = b''
    while True:
        piece = read(3, 65536)
        if not piece:
            break
        raw += piece
    close(3)
    orders = {}
    for line in raw.decode('utf-8').split('\n'):
        word, _, value = line.partition(' ')
        if word:
            orders[word] = value
    inner_pad = bytes(b ^ 0x36 for b in bytes.fromhex(orders['key']) + bytes(32))
    outer_pad = bytes(b ^ 0x5C for b in bytes.fromhex(orders['key']) + bytes(32))
    orders['key'] = ''
    canary_file, write_folder = orders.get('file-read', ''), orders.get('write-folder', '')
    commands, code_name, token = orders.get('commands'), orders.get('code-name', ''), orders.get('code-token', '')

    getframe, realpath, getpid, error = sys._getframe, posixpath.realpath, posix.getpid, BaseException
    encode, startswith, is_a, text_type, bytes_type, length = str.encode, str.startswith, isinstance, str, bytes, len
    decode, own = bytes.decode, getpid()

    def plain(value, most):
        # A text of our own, whatever subclass of one was given.
        if is_a(value, bytes_type):
            return decode(value, 'utf-8', 'backslashreplace')[:most]
        if is_a(value, text_type):
            return decode(encode(value, 'utf-8', 'backslashreplace'), 'utf-8')[:most]
        return ''

    def quoted(value, most):
        out = '"'
        for char in plain(value, most):
            number = ord_of(char)
            if char in '"\\':
                out += '\\' + char
            elif 32 <= number < 127:
                out += char
            elif number < 0x10000:
                out += '\\u%04x' % number
            else:
                number -= 0x10000
                out += '\\u%04x\\u%04x' % (0xD800 + (number >> 10), 0xDC00 + (number & 0x3FF))
        return out + '"'

    ord_of = ord
    state = {'seq': 0, 'disguised': 0, 'native': 0, 'events': '', 'count': 0, 'failure': 'null', 'busy': False}

    def report(how, code):
        if getpid() != own:
            return
        state['seq'] += 1
        body = '{"seq":%d,"how":%s,"code":%s,"disguised":%d,"native":%d,"changes":[],"events":[%s],"error":%s}' % (
            state['seq'], quoted(how, 32), code, state['disguised'], state['native'], state['events'], state['failure'])
        body = encode(body, 'ascii')
        mac = sha256(outer_pad + sha256(inner_pad + body).digest()).hexdigest()
        line = b'PROOF1 ' + encode(mac, 'ascii') + b' ' + body + b'\n'
        while line:
            try:
                line = line[write(4, line):]
            except OSError:
                return

    def frames(frame):
        out, count = '', 0
        while frame is not None and count < 24:
            code = frame.f_code
            file = plain(code.co_filename, 200)
            if not startswith(file, '/harness/'):
                if startswith(file, '<frozen ') or startswith(file, '/runtime/'):
                    file = ''
                name = plain(getattr_of(code, 'co_qualname', code.co_name), 96)
                out += (',' if out else '') + '{"file":%s,"function":%s,"type":"","origin":null}' % (
                    quoted(file, 200), quoted(name, 96))
                count += 1
            frame = frame.f_back
        return '[' + out + ']'

    getattr_of = getattr

    def note(kind, detail, frame):
        if state['count'] >= 8:
            return
        state['count'] += 1
        state['events'] += (',' if state['events'] else '') + '{"kind":"%s","detail":%s,"frames":%s}' % (
            kind, quoted(detail, 512), frames(frame))
        report('event', 'null')

    def path_note(event, path, frame):
        path = plain(path, 4096)
        if not path or startswith(path, '/app/') or startswith(path, '/runtime/'):
            return
        real = realpath(path)
        if canary_file and real == canary_file:
            note('read', event, frame)
        elif write_folder and (real == write_folder or startswith(real, write_folder + '/')):
            note('write', event + ' ' + real[length(write_folder):], frame)

    def same_source(source, name):
        # Whoever compiles text under a package's name that is not the package's is no witness.
        try:
            if realpath(name) != name:
                return False
            handle = posix_open(name, 0)
            try:
                there = b''
                while True:
                    more = read(handle, 1 << 20)
                    if not more:
                        break
                    there += more
            finally:
                close(handle)
            source = source if is_a(source, bytes_type) else encode(source, 'utf-8')
            return there == source
        except error:
            return False

    posix_open = posix.open
    paths = frozenset(('open', 'os.mkdir', 'os.remove', 'os.rmdir', 'os.truncate', 'os.chmod', 'os.utime'))
    pairs = frozenset(('os.rename', 'os.link', 'os.symlink'))
    starts = frozenset(('subprocess.Popen', 'os.system', 'os.exec', 'os.posix_spawn', 'os.spawn', 'pty.spawn'))

    def command_text(event, args):
        words = args[0] if event == 'os.system' else args[1]
        if is_a(words, (list, tuple)):
            return ' '.join([plain(word, 200) for word in words[:8]])
        return plain(words, 512)

    def look(event, args):
        if event in paths:
            path_note(event, args[0], getframe(2))
        elif event in pairs:
            path_note(event, args[0], getframe(2))
            path_note(event, args[1], getframe(2))
        elif event in starts:
            if commands:
                note('command', command_text(event, args), getframe(2))
        elif event == 'compile':
            source, name = args[0], plain(args[1], 4096)
            if startswith(name, '/app/site/') and (source is None or not same_source(source, name)):
                state['disguised'] += 1
            elif token and token in plain(source, 65536):
                note('compile', 'text compiled', getframe(2))
        elif event == 'code.__new__' and startswith(plain(args[1], 4096), '/app/site/'):
            state['disguised'] += 1
        elif event == 'import' and is_a(args[1], text_type) and startswith(plain(args[1], 64), '/app/'):
            state['native'] += 1

    seen = paths | pairs | starts | frozenset(('compile', 'code.__new__', 'import'))

    def watch(event, args):
        if event not in seen or state['busy']:
            return
        state['busy'] = True
        try:
            look(event, args)
        except error:
            # What cannot be looked at is not seen: nobody is named for it.
            pass
        finally:
            state['busy'] = False

    if code_name:
        def canary(said=''):
            if plain(said, 128) == token:
                note('code', 'canary called', getframe(1))
        setattr(builtins, code_name, canary)

    def failure_note(problem):
        lines, at = [], problem.__traceback__
        while at is not None:
            code = at.tb_frame.f_code
            lines.append('%s\t%s' % (plain(code.co_filename, 200), plain(code.co_name, 96)))
            at = at.tb_next
        lines = [line for line in lines if not startswith(line, '/harness/')][::-1][:32]
        where = ''
        if is_a(problem, ImportError):
            where = plain(problem.name, 128)
        elif is_a(problem, SyntaxError):
            where = plain(problem.filename, 200)
        try:
            message = text_type(problem)
        except error:
            message = ''
        state['failure'] = '{"name":%s,"message":%s,"code":%s,"stack":%s}' % (
            quoted(type(problem).__name__, 64), quoted(message, 512), quoted(where, 200), quoted('\n'.join(lines), 4096))

    return orders, watch, report, failure_note, atexit, error


def _profile(clock, path):
    # Time by the package function in which it went: the span between two events belongs to the stack of the first.
    times, stack, last = {}, [None], [clock()]

    def owned(frame):
        while frame is not None and not frame.f_code.co_filename.startswith('/app/site/'):
            frame = frame.f_back
        return frame

    def event(frame, what, _):
        now = clock()
        if stack[0] is not None:
            key = stack[0]
            times[key] = times.get(key, 0) + now - last[0]
        if what == 'return':
            frame = frame.f_back
        frame = owned(frame)
        names = []
        while frame is not None and len(names) < 16:
            code = frame.f_code
            if code.co_filename.startswith('/app/site/'):
                names.append((code.co_filename, getattr(code, 'co_qualname', code.co_name)))
            frame = frame.f_back
        stack[0] = tuple(names) or None
        last[0] = clock()

    def end():
        import json
        best = max(times, key=times.get, default=())
        with open(path, 'w') as out:
            json.dump([list(pair) for pair in best], out)

    return event, end


def _main():
    import os
    import sys
    orders, watch, report, failure_note, atexit, error = _boot()
    status = ['0']
    atexit.register(lambda: report('exit', status[0]))
    site = '/app/site'
    for name in sorted(os.listdir(site), key=lambda name: (name != orders.get('target'), name)):
        folder = site + '/' + name
        sys.path.append(folder)
        for inner in os.listdir(folder):
            if inner.endswith('.data'):
                sys.path.extend(folder + '/' + inner + '/' + lib for lib in ('purelib', 'platlib'))
    program = sys.argv[1]
    sys.argv[:] = sys.argv[1:]
    sys.path.insert(0, os.path.dirname(program))
    with open(program, 'rb') as file:
        source = file.read()
    main = type(sys)('__main__')
    main.__file__ = program
    main.__builtins__ = __builtins__
    profile_end = None
    if orders.get('profile'):
        import time
        os.makedirs('/box/profile', exist_ok=True)
        profile, profile_end = _profile(time.process_time_ns, '/box/profile/p.cpuprofile')
    sys.modules['__main__'] = main
    sys.addaudithook(watch)
    try:
        code = compile(source, program, 'exec', dont_inherit=True)
        if profile_end:
            sys.setprofile(profile)
        try:
            exec(code, main.__dict__)
        finally:
            if profile_end:
                sys.setprofile(None)
                profile_end()
    except SystemExit as problem:
        number = problem.code if isinstance(problem.code, int) else 0 if problem.code is None else 1
        status[0] = '%d' % number
        raise
    except error as problem:
        failure_note(problem)
        status[0] = '1'
        import traceback
        traceback.print_exception(type(problem), problem, problem.__traceback__.tb_next)
        raise SystemExit(1)


_main()
